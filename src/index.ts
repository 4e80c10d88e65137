/** The library: traces live and recorded, as record batches and as findings. The command line is in cli/. */
export { Session, type SessionOptions } from './capture/session.ts';
export { BatchView, type Value } from './columns/batch-view.ts';
export { Account } from './explain/account.ts';
export { describeFindings } from './explain/describe.ts';
export { RuleExplanation, type RuleFindings } from './explain/explain-rules.ts';
export { type Findings, findingsOf } from './explain/findings.ts';
export type { RuleFinding } from './explain/rule-findings.ts';
export { contextOf, type TraceContext } from './explain/trace-context.ts';
export { CaptureReader } from './export/capture-reader.ts';
export { readDataset, readMetadata } from './export/read-dataset.ts';
export { Merge } from './libbpf/merge.ts';
export { TraceError } from './model/error.ts';
export type { TraceEnd, TraceFacts } from './model/facts.ts';
export type { Ledger, LedgerRow } from './model/ledger.ts';
export { FAILURES, FLOWS, LOSSES, PACKETS, TABLES } from './model/tables.ts';
export { Rebuild } from './rebuild/rebuild.ts';
