/** Reads the steps of a scenario: `tcp`, `udp`, `udplite`, `sctp`, `ping`, `flood`, `raw_tcp`, `race`, `run`, `together`. */
import { isIP } from 'node:net';
import {
  type Endpoint,
  type Listener,
  MESSAGE_BYTES,
  type MessageKind,
  type Step,
  TCP_FLAGS,
} from './scenario.ts';
import {
  optional,
  type Place,
  readFlag,
  readList,
  readMapping,
  readNumber,
  readText,
  readWord,
} from './scenario-place.ts';

const MAX_COUNT = 10_000_000;
const ENDPOINT = /^(?:\[([0-9a-f:.]+)\]|([0-9.]+)):(\d+)$/;

const readCount = (place: Place) => readNumber(place, 1, MAX_COUNT);
const readPort = (place: Place) => readNumber(place, 1, 65_535);

function parseEndpoint(text: string): Endpoint | undefined {
  const [, six, four, port] = ENDPOINT.exec(text) ?? [];
  const address = six ?? four;
  if (address === undefined || isIP(address) !== (six ? 6 : 4)) return undefined;
  return Number(port) <= 65_535 ? { address, port: Number(port) } : undefined;
}

function readEndpoint(place: Place): Endpoint {
  const endpoint = typeof place.value === 'string' && parseEndpoint(place.value);
  if (endpoint) return endpoint;
  throw place.refuse('address:port, such as 203.0.113.2:80 or [fd00:2::2]:80');
}

function readAddress(place: Place): string {
  if (typeof place.value === 'string' && isIP(place.value)) return place.value;
  throw place.refuse('an address, such as 203.0.113.2 or fd00:2::2');
}

function readListener(place: Place, namespaces: readonly string[]): Listener {
  const [name = '', address = ''] = String(place.value).split(' ');
  const endpoint = parseEndpoint(address);
  if (endpoint && namespaces.includes(name)) return { ...endpoint, namespace: name };
  throw place.refuse('a namespace and address:port, such as "server 203.0.113.2:80"');
}

function readFlags(place: Place): number {
  const names = String(place.value).split('+');
  let flags = 0;
  for (const name of names) {
    const bit = (TCP_FLAGS as Readonly<Record<string, number>>)[name];
    if (bit === undefined) {
      throw place.refuse(`${Object.keys(TCP_FLAGS).join(', ')} joined by +`);
    }
    flags |= bit;
  }
  return flags;
}

type Reader = (place: Place, namespaces: readonly string[]) => Step;

function messages(kind: MessageKind): Reader {
  const isStream = kind === 'tcp' || kind === 'sctp';
  const ends = ['from', 'to', 'listen', 'flows', 'send', 'source', 'source_port'];
  const known = [...ends, 'bytes', 'tos', 'ttl'];
  return (place, namespaces) => {
    readMapping(place, isStream ? known : [...known, 'reply']);
    return {
      kind,
      from: readWord(place.at('from'), namespaces),
      to: readEndpoint(place.at('to')),
      listen: optional(place.at('listen'), (there) => readListener(there, namespaces), undefined),
      flows: optional(place.at('flows'), readCount, 1),
      send: optional(place.at('send'), readCount, 1),
      reply: isStream || optional(place.at('reply'), readFlag, false),
      source: optional(place.at('source'), readAddress, undefined),
      sourcePort: optional(place.at('source_port'), readPort, undefined),
      bytes: optional(place.at('bytes'), (there) => readNumber(there, 16, 8192), MESSAGE_BYTES),
      tos: optional(place.at('tos'), (there) => readNumber(there, 0, 255), undefined),
      ttl: optional(place.at('ttl'), (there) => readNumber(there, 1, 255), undefined),
    };
  };
}

const READERS: Readonly<Record<Step['kind'], Reader>> = {
  tcp: messages('tcp'),
  udp: messages('udp'),
  udplite: messages('udplite'),
  sctp: messages('sctp'),
  ping: (place, namespaces) => {
    readMapping(place, ['from', 'to', 'flows', 'count', 'unanswered']);
    return {
      kind: 'ping',
      from: readWord(place.at('from'), namespaces),
      to: readAddress(place.at('to')),
      flows: optional(place.at('flows'), readCount, 1),
      count: optional(place.at('count'), readCount, 1),
      unanswered: optional(place.at('unanswered'), readFlag, false),
    };
  },
  flood: (place, namespaces) => {
    readMapping(place, ['from', 'to', 'count', 'bytes', 'source_port']);
    return {
      kind: 'flood',
      from: readWord(place.at('from'), namespaces),
      to: readEndpoint(place.at('to')),
      count: readCount(place.at('count')),
      bytes: optional(place.at('bytes'), (there) => readNumber(there, 1, 1400), 64),
      sourcePort: optional(place.at('source_port'), readPort, undefined),
    };
  },
  raw_tcp: (place, namespaces) => {
    readMapping(place, ['from', 'to', 'source_port', 'flags', 'sequence', 'count']);
    return {
      kind: 'raw_tcp',
      from: readWord(place.at('from'), namespaces),
      to: readEndpoint(place.at('to')),
      sourcePort: readPort(place.at('source_port')),
      flags: readFlags(place.at('flags')),
      sequence: optional(place.at('sequence'), (there) => readNumber(there, 0, 0xffff_0000), 1000),
      count: optional(place.at('count'), readCount, 1),
    };
  },
  race: (place, namespaces) => {
    readMapping(place, ['between', 'and', 'flows']);
    return {
      kind: 'race',
      between: readListener(place.at('between'), namespaces),
      and: readListener(place.at('and'), namespaces),
      flows: readNumber(place.at('flows'), 1, 1000),
    };
  },
  run: (place, namespaces) => {
    readMapping(place, ['in', 'command']);
    return {
      kind: 'run',
      in: readWord(place.at('in'), namespaces),
      command: readText(place.at('command')),
    };
  },
  together: (place, namespaces) => ({ kind: 'together', steps: readSteps(place, namespaces) }),
};

function readStep(place: Place, namespaces: readonly string[]): Step {
  const kinds = Object.keys(READERS) as Step['kind'][];
  const [entry, ...more] = readMapping(place, kinds);
  if (!entry || more.length > 0) throw place.refuse(`one of ${kinds.join(', ')}`);
  return READERS[entry[0] as Step['kind']](entry[1], namespaces);
}

export function readSteps(place: Place, namespaces: readonly string[]): Step[] {
  return readList(place).map((step) => readStep(step, namespaces));
}
