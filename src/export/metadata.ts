/** Keys of the key-values in every file, beside those of the schema (columns/schema.ts). */
export const FACTS_KEY = 'conntrail.facts';
export const NODE_KEY = 'conntrail.node';
/** One start of the tracer; the parts of a dataset that belong together. */
export const RUN_KEY = 'conntrail.run';
/** JSON of the Ledger; only in files completed at the end of a trace. */
export const LEDGER_KEY = 'conntrail.ledger';
/** JSON of the TraceTimes; where the ledger is. */
export const TIMES_KEY = 'conntrail.times';
