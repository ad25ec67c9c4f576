package replica

import (
	"cmp"
	"iter"
	"slices"
)

// sequence is values in the order of their numbers. Numbers only grow, so that
// it is a slice with holes, and what came after a number is found by bisection.
type sequence[T any] struct {
	slots []slot[T]
	live  int
}

type slot[T any] struct {
	number uint64
	value  *T // nil: dropped
}

// push adds a value whose number is larger than all before.
func (s *sequence[T]) push(number uint64, value *T) {
	s.slots = append(s.slots, slot[T]{number, value})
	s.live++
}

// drop takes out the value with this number.
func (s *sequence[T]) drop(number uint64) {
	i := s.find(number)
	s.slots[i].value = nil
	s.live--
	if i == 0 { // so that the first value is found at once
		for len(s.slots) > 0 && s.slots[0].value == nil {
			s.slots = s.slots[1:]
		}
	}
	if len(s.slots) > 2*s.live+8 {
		s.slots = slices.DeleteFunc(slices.Clone(s.slots), func(sl slot[T]) bool { return sl.value == nil })
	}
}

// find returns the index of the first slot whose number is not less.
func (s *sequence[T]) find(number uint64) int {
	i, _ := slices.BinarySearchFunc(s.slots, number, func(sl slot[T], n uint64) int { return cmp.Compare(sl.number, n) })
	return i
}

// after returns the values with larger numbers, in order. Nothing may be
// dropped meanwhile.
func (s *sequence[T]) after(number uint64) iter.Seq[*T] {
	return func(yield func(*T) bool) {
		for _, sl := range s.slots[s.find(number+1):] {
			if sl.value != nil && !yield(sl.value) {
				return
			}
		}
	}
}

// first returns the value with the smallest number, nil if there is none.
func (s *sequence[T]) first() *T {
	for v := range s.after(0) {
		return v
	}
	return nil
}
