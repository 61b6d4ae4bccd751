// Package quality measures how callers are served.
//
// In: each [metering.Record]. [Of] gives the few [Row] values that a record contributes: counts and
// sums that name neither a person nor a call. Rows of one [Key] add up, in any order, and Sub takes
// out what an Add put in. A store keeps the sums: it adds the rows of a call's first record, and
// where a later version supersedes a record, takes out the rows of the one and adds those of the
// other. Out: from the sums of a period and the [Terms] of a company, each [Indicator] as a [Value],
// the [Result] of an [Objective], and cells small enough to point at a caller taken out ([Suppress]).
//
// # Levels
//
// Every call is counted on up to three levels, and a report adds up the rows of one level only:
//
//   - service: one row, without queue and operator;
//   - queue: the same counts once more, under the first queue that the call joined. A call that
//     joined none has no row here;
//   - operator: a row for each operator who talked, with what is that operator's. See [Of].
//
// # Erasure
//
// A record whose detail is erased has no queue, operator or hour, so that [Of] gives nothing for
// it: a store keeps the rows that it added before the erasure, and compares records by their
// versions from before it. A row of very few calls tells more of them than an erased record does.
// So what is published passes [Suppress], and a store that keeps rows for longer than the detail
// protects them as it protects the detail.
//
// # What one record cannot tell
//
// Whether the same caller called again is told by [Repeats], from the arrivals of all calls with
// their pseudonyms: a store adds its rows once the days in which a caller may call again are over.
// That a caller was asked in the survey and gave no answer stands in no record. Amounts of money are
// left to the records, which have them by currency.
//
// # Before a call
//
// [Hours] says whether a call arrives within the opening hours of its service, which its record then
// has. [Waits] tells what a caller may expect to wait, from how long callers before have waited.
package quality

//go:generate go test -run ^TestDefinitionsAreDocumented$ -count=1 . -write
