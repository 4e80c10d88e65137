/** Arrow's own types under which other rooms pass batches on. */
export type { RecordBatch, Schema } from 'apache-arrow';
