/** Expectations for a table: each has a master of its own, whose helper expects one at a time. */
import type { TestNetns } from './table-netns.ts';

export interface Expected {
  readonly master: string;
  /** What `-I expect` says of it beside the master; its timeout is that of the helper. */
  readonly tuple: string;
  /** A flow that fulfils it. */
  readonly flow: string;
  readonly helper: string;
}

const FULL = {
  4: '255.255.255.255',
  6: 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
} as const;

interface Shape {
  readonly family: 4 | 6;
  readonly protocol: 'tcp' | 'udp';
  /** Source address of the flow, in the words of `--tuple-src`, and its mask. */
  readonly src: string;
  readonly maskSrc?: string;
  readonly maskPortSrc: number;
  readonly helper: string;
}

/** conntrack 1.4.7 takes the high byte of a port of TCP for the protocol: here that is 6. */
const TCP_PORT = 6 * 256;

const SHAPES: readonly Shape[] = [
  { family: 4, protocol: 'udp', src: '192.0.2.1', maskPortSrc: 0, helper: 'tftp' },
  { family: 4, protocol: 'udp', src: '192.0.2.2', maskPortSrc: 65535, helper: 'tftp' },
  {
    ...{ family: 4, protocol: 'udp', src: '198.51.100.0', maskSrc: '255.255.255.0' },
    ...{ maskPortSrc: 0, helper: 'tftp' },
  },
  { family: 4, protocol: 'tcp', src: '192.0.2.4', maskPortSrc: 65535, helper: 'ftp' },
  { family: 4, protocol: 'tcp', src: '192.0.2.5', maskPortSrc: 0xff00, helper: 'ftp' },
  { family: 6, protocol: 'tcp', src: 'fd02::6', maskPortSrc: 0, helper: 'ftp' },
  { family: 6, protocol: 'udp', src: 'fd02::7', maskPortSrc: 65535, helper: 'tftp' },
];

export const EXPECTED: readonly Expected[] = SHAPES.map(expectedOf);

function expectedOf(shape: Shape, index: number): Expected {
  const { family, protocol, src, maskSrc = FULL[family], maskPortSrc, helper } = shape;
  const [from, to, dst] =
    family === 4
      ? [`10.1.0.${index + 1}`, `10.2.0.${index + 1}`, `10.3.0.${index + 1}`]
      : [`fd00::${index + 1}`, `fd01::${index + 1}`, `fd03::${index + 1}`];
  const sport = TCP_PORT + 100 + index;
  const dport = TCP_PORT + 200 + index;
  return {
    master: `-p ${protocol} -s ${from} -d ${to} --sport ${2000 + index} --dport ${3000 + index}`,
    tuple: [
      `-t 300 --tuple-src ${src} --tuple-dst ${dst} --mask-src ${maskSrc} --mask-dst ${FULL[family]}`,
      `--tuple-port-src ${sport} --tuple-port-dst ${dport}`,
      `--mask-port-src ${maskPortSrc} --mask-port-dst 65535`,
    ].join(' '),
    flow: `-p ${protocol} -s ${src} -d ${dst} --sport ${sport} --dport ${dport}`,
    helper,
  };
}

/** The masters, with their helpers. */
export function insertMasters(netns: TestNetns, expected: readonly Expected[] = EXPECTED): void {
  const lines = expected.map(({ master, helper }) => {
    const state = master.startsWith('-p tcp') ? ' --state ESTABLISHED' : '';
    return `-A ${master} -t 1000 -u SEEN_REPLY${state} --helper ${helper}\n`;
  });
  const told = netns.tableOf(lines.join(''), 'restore', '-');
  if (told !== `${lines.length} of ${lines.length} entries restored, 0 were there\n`) {
    throw new Error(`restore: ${told}`);
  }
}

/** conntrack(8) wants ports of a reply, and looks at none. */
export function withReply(flow: string): string {
  return `${flow} --reply-port-src 9 --reply-port-dst 8`;
}

/** Lines in order, without what the clock changes. */
export function timelessExpectations(text: string): string[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) =>
      line
        .replace(/^\[\d+\.\d+ *\]\t/, '[clock] ')
        .replace(/(^|\] )\d+ proto=/, '$1T proto=')
        .replace(/<timeout>\d+/, '<timeout>T')
        .replace(/<hour>\d+<\/hour><min>\d+<\/min><sec>\d+/, '<clock>'),
    )
    .sort();
}
