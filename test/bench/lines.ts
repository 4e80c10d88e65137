/**
 * What a reader of a peer's text does: lines such as pwru prints with
 * --output-tuple, one for each packet of the capture, to objects.
 */
import { BatchView } from '../../src/columns/batch-view.ts';
import { PACKETS } from '../../src/model/tables.ts';
import type { Enlarged } from './enlarge.ts';
import { cpuMs } from './figures.ts';
import { openTables } from './ours.ts';
import { Rings } from './rings.ts';

/** Enough of them that the loop is compiled for the most part. */
const LINES = 200_000;

interface Seen {
  readonly time: number;
  readonly skb: string;
  readonly cpu: number;
  readonly netns: number;
  readonly mark: number;
  readonly iface: number;
  readonly length: number;
  readonly src: string;
  readonly srcPort: number;
  readonly dst: string;
  readonly dstPort: number;
  readonly protocol: string;
  readonly function: string;
}

const TUPLE = /^(.+):(\d+)->(.+):(\d+)\((\w+)\)$/;

function parse(line: string): Seen {
  const [skb, cpu, , netns, mark, iface, , , length, tuple, name, time] = line.split(/\s+/);
  const [, src, srcPort, dst, dstPort, protocol] = TUPLE.exec(tuple!) ?? [];
  return {
    time: Number(time),
    skb: skb!,
    cpu: Number(cpu),
    netns: Number(netns),
    mark: Number.parseInt(mark!, 16),
    iface: Number(iface!.split(':')[1]),
    length: Number(length),
    src: src!,
    srcPort: Number(srcPort),
    dst: dst!,
    dstPort: Number(dstPort),
    protocol: protocol!,
    function: name!,
  };
}

/** CPU milliseconds for so many lines, which are made before. */
export async function parsedLines(enlarged: Enlarged): Promise<{ ms: number; lines: number }> {
  const text = (await linesOf(enlarged)).join('\n');
  const startMs = cpuMs();
  let bytes = 0;
  let lines = 0;
  for (const line of text.split('\n')) {
    bytes += parse(line).length;
    lines++;
  }
  const ms = cpuMs() - startMs;
  if (!(bytes > 0)) throw new Error('no line had a length');
  return { ms, lines };
}

async function linesOf(enlarged: Enlarged): Promise<string[]> {
  const rings = new Rings(enlarged.facts.cpus);
  const tables = openTables(enlarged);
  const lines: string[] = [];
  for (const slice of enlarged.slices) {
    rings.fill(slice);
    tables.add(rings.take(), slice.horizonNs);
    for (const { table, batch } of tables.takeReady()) {
      if (table !== 'packets') continue;
      const view = new BatchView(batch, PACKETS);
      for (let row = 0; row < view.rows; row++) lines.push(lineOf(view.row(row)));
    }
    if (lines.length >= LINES) break;
  }
  await rings.close();
  return lines.slice(0, LINES);
}

function lineOf(row: ReturnType<BatchView['row']>): string {
  const skb = `0xffff${Number(row.packet).toString(16).padStart(12, '0')}`;
  const tuple = `${row.src}:${row.src_port}->${row.dst}:${row.dst_port}(udp)`;
  const place = `${row.netns} 0x${Number(row.mark).toString(16)} eth0:${row.in_ifindex ?? 0}`;
  const where = `${skb} ${row.cpu} <empty>:0 ${place} 0x0800 1500 ${row.length} ${tuple}`;
  return `${where} nf_conntrack_in ${row.started_ktime_ns}`;
}
