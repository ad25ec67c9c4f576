package redis

import "strings"

// slotCount is the number of slots that a cluster spreads channels over.
const slotCount = 16384

// slotOf returns the slot that a cluster finds a channel in: a hash of its
// name, or of what stands between the first braces in it.
func slotOf(channel string) int {
	if _, after, ok := strings.Cut(channel, "{"); ok {
		if tag, _, ok := strings.Cut(after, "}"); ok && tag != "" {
			channel = tag
		}
	}
	var crc uint16
	for i := range len(channel) {
		crc = crc<<8 ^ crcTable[byte(crc>>8)^channel[i]]
	}
	return int(crc % slotCount)
}

// crcTable is of CRC-16/XMODEM, which clusters use.
var crcTable = func() (table [256]uint16) {
	for i := range table {
		crc := uint16(i) << 8
		for range 8 {
			if crc&0x8000 != 0 {
				crc = crc<<1 ^ 0x1021
			} else {
				crc <<= 1
			}
		}
		table[i] = crc
	}
	return table
}()
