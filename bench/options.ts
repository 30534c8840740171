/** What a bench was asked for. `rows` undefined = the bench's own default. */
export type BenchOptions = { rows: number | undefined; profile: boolean };
