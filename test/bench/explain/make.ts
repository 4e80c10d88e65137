/** A capture of many flows under many NAT rules, always the same, and what must come out of it. */
import { CaptureWriter } from '../../../src/export/capture-writer.ts';
import { RECORD_VERSION, type TraceFacts } from '../../../src/model/facts.ts';
import type { LedgerRow } from '../../../src/model/ledger.ts';
import { RecordKind, recordBytes } from '../../../src/wire/layout.ts';
import { CPUS, endpointOf, kindOf, Records } from './records.ts';
import { type Form, type NatRules, NETNS, readingOf, rulesOf } from './rules.ts';

export interface Traffic {
  readonly form: Form;
  readonly flows: number;
  readonly packetsPerFlow: number;
}

export interface Expected {
  readonly packets: number;
  readonly flows: number;
  readonly rules: number;
  /** Flows that each rule decided, and so first packets, by handle; rules that decided none are left out. */
  readonly decided: readonly (readonly [handle: number, flows: number])[];
}

const START_NS = 1_000_000_000_000n;
const CHUNK_RECORDS = 65_536;
/** Prime to any number of flows below a billion: a walk through all, seldom to a neighbour. */
const STRIDE = 1_000_000_007;

export async function makeTrace(path: string, traffic: Traffic): Promise<Expected> {
  const { flows, packetsPerFlow, form } = traffic;
  const rules = rulesOf(form);
  const writer = await CaptureWriter.open(path, factsOf());
  const records = new Records(rules, CHUNK_RECORDS, START_NS);
  const flush = async (): Promise<void> => {
    await writer.append(records.bytes.subarray(0, records.length * recordBytes), records.nowNs);
    records.length = 0;
  };
  for (let place = 0; place < packetsPerFlow; place++) {
    for (let count = 0; count < flows; count++) {
      const flow = (count * (STRIDE % flows)) % flows;
      if (place === 0) records.begin(flow);
      records.packet(flow, place);
      if (place === packetsPerFlow - 1 && flow % 2 === 0) records.end(flow);
      if (records.length > CHUNK_RECORDS - 4) await flush();
    }
  }
  await flush();
  const counted = countedBy(rules, flows);
  await writer.close({
    ledger: { rows: ledgerRows(records.sent), lossWindow: null, conntrackStats: null },
    symbols: {},
    rulesets: [
      readingOf(rules, START_NS - 1_000_000n, new Map()),
      readingOf(rules, records.nowNs + 1_000_000n, counted),
    ],
    probeChanges: [],
    startedKtimeNs: String(START_NS),
    endedKtimeNs: String(records.nowNs + 2_000_000n),
  });
  return {
    packets: flows * packetsPerFlow,
    flows,
    rules: rules.chains.reduce((sum, chain) => sum + chain.rules.length, 0),
    decided: decidedOf(rules, counted),
  };
}

/** By handle, what the kernel's counters of nat chains count: first packets. */
function countedBy(rules: NatRules, flows: number): Map<number, number> {
  const counted = new Map<number, number>();
  const add = (handle: number): void => void counted.set(handle, (counted.get(handle) ?? 0) + 1);
  for (let flow = 0; flow < flows; flow++) {
    const kind = kindOf(flow);
    if (kind === 'forwarded') endpointOf(rules, flow).handles.forEach(add);
    if (kind !== 'local') add(rules.masquerade);
  }
  return counted;
}

function decidedOf({ endpoints, masquerade }: NatRules, counted: ReadonlyMap<number, number>) {
  const deciding = [masquerade, ...endpoints.map(({ handles }) => handles.at(-1)!)];
  return deciding
    .filter((handle) => counted.has(handle))
    .map((handle) => [handle, counted.get(handle)!] as const);
}

function ledgerRows(sent: Uint32Array): LedgerRow[] {
  return Array.from({ length: CPUS * (RecordKind.kinds - 1) }, (_, place) => {
    const [cpu, probe] = [
      Math.floor(place / (RecordKind.kinds - 1)),
      (place % (RecordKind.kinds - 1)) + 1,
    ];
    const count = sent[cpu * RecordKind.kinds + probe]!;
    const none = {
      ringFull: 0,
      callsFull: 0,
      missedReturn: 0,
      missedEntry: 0,
      flowsFull: 0,
      evicted: 0,
    };
    return { cpu, probe, sent: count, delivered: count, recursion: null, ...none };
  });
}

function factsOf(): TraceFacts {
  return {
    recordVersion: RECORD_VERSION,
    recordBytes,
    node: 'bench',
    kernel: 'none',
    arch: process.arch,
    cpus: CPUS,
    clockOffsetNs: '1700000000000000000',
    dropReasons: {},
    attached: [],
    notAvailable: [],
    extras: [],
    sources: {},
    detail: 'packets',
    backend: 'fentry',
    sample: 1,
    filter: '',
    netnsNames: { [NETNS]: 'router' },
    places: {},
  };
}
