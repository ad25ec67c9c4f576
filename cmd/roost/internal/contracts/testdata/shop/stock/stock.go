// Package stock has a type that has the name of another.
package stock

// Item is something in stock.
type Item struct {
	Name, Place string
	Left        int `json:"left"`
}
