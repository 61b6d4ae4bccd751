package quality

// MinCell is the least number of calls that a published cell may count. A cell of fewer may point
// at a caller. Counts have calls, not callers: of ten calls, several may be one caller's.
const MinCell = 10

// Suppress says which cells of a table's line must not be published, where the line's total is
// published too. Cells of no call may be: there is nobody in them. Cells of fewer than [MinCell]
// calls may not. Nor may what the total gives away: as long as the cells taken out are one alone,
// or hold fewer than MinCell calls together, the smallest of the others is taken out with them.
// Where the total is itself fewer than MinCell, everything is taken out, and the total must be by
// whoever asks.
//
// It protects one line. Whoever publishes a table with totals of its columns as well as of its
// lines gives cells away that no single line does: publish one of the two.
func Suppress(cells []int64) (hidden []bool) {
	hidden = make([]bool, len(cells))
	count, calls := 0, int64(0)
	hide := func(i int) {
		hidden[i] = true
		count++
		calls += cells[i]
	}
	for i, n := range cells {
		if n > 0 && n < MinCell {
			hide(i)
		}
	}
	for count == 1 || count > 0 && calls < MinCell {
		next := -1
		for i, n := range cells {
			if !hidden[i] && n > 0 && (next < 0 || n < cells[next]) {
				next = i
			}
		}
		if next < 0 {
			break
		}
		hide(next)
	}
	return hidden
}
