/** A line of `conntrack -L -o extended` and a row of `flows`, brought to the same words. */
import type { Value } from '../../src/columns/batch-view.ts';
import { Status } from '../../src/model/codes.ts';

type Words = Readonly<Record<string, string>>;

function tupleText(words: Words): string {
  const { src, dst, sport, dport, type, code, id } = words;
  if (type === undefined) return `${src}:${sport} ${dst}:${dport}`;
  return `${src}:${id} ${dst}:${Number(type) * 256 + Number(code)}`;
}

/** The words of both tuples stand in a row; the second begins where src comes again. */
function tuplesOf(line: string): [Words, Words] {
  const tuples: [Record<string, string>, Record<string, string>] = [{}, {}];
  let at = -1;
  for (const [, name, value] of line.matchAll(/\b(src|dst|sport|dport|type|code|id)=(\S+)/g)) {
    if (name === 'src') at++;
    tuples[at as 0 | 1][name!] ??= value!; // the entry's own id is last
  }
  return tuples;
}

export function conntrackLine(line: string): string {
  const [, family, protocol] = /^ipv(\d) \d+ \S+ (\d+) /.exec(line) ?? [];
  const [original, reply] = tuplesOf(line);
  const mark = /\bmark=(\d+)/.exec(line)?.[1] ?? '0';
  const zone = /\bzone=(\d+)/.exec(line)?.[1] ?? '0';
  const flags = ['UNREPLIED', 'ASSURED'].filter((flag) => line.includes(`[${flag}]`));
  return [family, protocol, tupleText(original), tupleText(reply), mark, zone, ...flags].join(
    ' | ',
  );
}

export function flowKey(row: Readonly<Record<string, Value>>): string {
  const status = Number(row.status);
  const tuple = (suffix: string): string =>
    `${row[`src${suffix}`]}:${row[`src_port${suffix}`]} ${row[`dst${suffix}`]}:${row[`dst_port${suffix}`]}`;
  const flags = [
    ...(status & Status.seenReply ? [] : ['UNREPLIED']),
    ...(status & Status.assured ? ['ASSURED'] : []),
  ];
  const { family, protocol, mark, zone } = row;
  return [family, protocol, tuple(''), tuple('_reply'), mark, zone, ...flags].join(' | ');
}
