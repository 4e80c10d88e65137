/**
 * Entries as arguments of conntrack: `conntrack -L -o save`, and what is typed
 * to `conntrack -I`. That form leaves out marks, labels and the helper.
 */
import { PROTOCOLS } from '../model/codes.ts';
import { TraceError } from '../model/error.ts';
import { type Change, type EntryFields, emptyFields } from './parse-fields.ts';
import { shown } from './parse-tokens.ts';

/** `-A` is of listings and of new entries alike. */
const COMMANDS: Readonly<Record<string, Change | null>> = {
  '-A': null,
  '--add': null,
  '-I': null,
  '--create': null,
  '-U': 'update',
  '--update': 'update',
  '-D': 'destroy',
  '--delete': 'destroy',
};

/** Where the value of an option goes; `reply nat`: an address, perhaps with a port. */
const OPTIONS: Readonly<Record<string, readonly [place: string, name: string]>> = {
  ...named('original', {
    ...{ '-s': 'src', '--src': 'src', '--orig-src': 'src' },
    ...{ '-d': 'dst', '--dst': 'dst', '--orig-dst': 'dst' },
    ...{ '--sport': 'sport', '--orig-port-src': 'sport' },
    ...{ '--dport': 'dport', '--orig-port-dst': 'dport' },
    ...{ '--srckey': 'srckey', '--orig-key-src': 'srckey' },
    ...{ '--dstkey': 'dstkey', '--orig-key-dst': 'dstkey' },
    ...{ '--icmp-type': 'type', '--icmp-code': 'code', '--icmp-id': 'id' },
    ...{ '--icmpv6-type': 'type', '--icmpv6-code': 'code', '--icmpv6-id': 'id' },
    '--orig-zone': 'zone-orig',
  }),
  ...named('reply', {
    ...{ '-r': 'src', '--reply-src': 'src', '-q': 'dst', '--reply-dst': 'dst' },
    ...{ '--reply-port-src': 'sport', '--reply-port-dst': 'dport' },
    ...{ '--reply-key-src': 'srckey', '--reply-key-dst': 'dstkey', '--reply-zone': 'zone-reply' },
  }),
  ...named('reply nat', { '-n': 'dst', '--src-nat': 'dst', '-g': 'src', '--dst-nat': 'src' }),
  ...named('others', {
    ...{ '-w': 'zone', '--zone': 'zone', '-m': 'mark', '--mark': 'mark', '-c': 'secmark' },
    ...{ '--secmark': 'secmark', '-l': 'labels', '--label': 'labels', '--label-add': 'labels' },
    ...{ '--helper': 'helper', '--role': 'role' },
    ...{ '--orig-vtag': 'orig-vtag', '--reply-vtag': 'reply-vtag' },
  }),
  ...named('entry', {
    ...{ '-t': 'timeout', '--timeout': 'timeout', '--state': 'state', '-u': 'flags' },
    ...{ '--status': 'flags', '-f': 'family', '--family': 'family' },
    ...{ '-p': 'protocol', '--protonum': 'protocol', '--proto': 'protocol' },
  }),
};

function named(place: string, names: Readonly<Record<string, string>>) {
  return Object.fromEntries(
    Object.entries(names).map(([option, name]) => [option, [place, name] as const]),
  );
}

/** Whether a text begins as one of this form does. */
export function isArguments(text: string): boolean {
  const [first = ''] = text.trimStart().split(/\s/, 1);
  return Object.hasOwn(COMMANDS, first);
}

/** Undefined: no line of this form. Throws a `corrupt` TraceError for a protocol of no known name. */
export function saveFields(tokens: readonly string[]): EntryFields | undefined {
  const first = tokens[0] === 'conntrack' ? 1 : 0;
  const command = tokens[first] ?? '';
  if (!Object.hasOwn(COMMANDS, command)) return undefined;
  const fields = emptyFields('save');
  fields.change = COMMANDS[command] ?? null;
  for (let index = first + 1; index < tokens.length; index++) {
    const token = tokens[index]!;
    const [place, name] = Object.hasOwn(OPTIONS, token) ? OPTIONS[token]! : [];
    const value = tokens[index + 1];
    if (place === undefined || name === undefined || value === undefined) {
      takeOther(fields, token);
      continue;
    }
    index++;
    put(fields, place, name, value);
  }
  return withReply(fields);
}

function put(fields: EntryFields, place: string, name: string, value: string): void {
  if (place === 'original' || place === 'reply') fields[place].set(name, value);
  else if (place === 'others') fields.others.set(name, value);
  else if (place === 'reply nat') putNat(fields, name, value);
  else if (name === 'flags') for (const flag of value.split(',')) fields.flags.add(flag);
  else if (name === 'protocol') fields.protocol = protocolOf(value);
  else if (name === 'family') fields.family = value.replace(/^ipv/, '');
  else if (name === 'timeout') fields.timeout = value;
  else fields.state = value;
}

/** `10.0.0.2`, `10.0.0.2:80`, `[fd00::2]:80`. */
function putNat({ reply }: EntryFields, name: string, value: string): void {
  const [, v6, v4, port] = /^(?:\[([^\]]*)\]|([^:]*)):(\d+)$/.exec(value) ?? [];
  reply.set(name, v6 ?? v4 ?? value);
  if (port !== undefined) reply.set(name === 'src' ? 'sport' : 'dport', port);
}

/** `[USERSPACE] portid=4047628140 progname=conntrack` stands behind what a program did. */
function takeOther(fields: EntryFields, token: string): void {
  const portid = /^portid=(\d+)$/.exec(token)?.[1];
  if (portid !== undefined) fields.others.set('portid', portid);
  else if (token.startsWith('progname=')) fields.others.set('progname', token.slice(9));
  else if (token !== '[USERSPACE]') fields.more.push(token);
}

function protocolOf(word: string): string {
  if (/^\d+$/.test(word)) return word;
  const known = Object.entries(PROTOCOLS).find(([, name]) => name === word.toLowerCase());
  if (known !== undefined) return known[0];
  throw new TraceError(
    'corrupt',
    `found -p ${shown(word)}, needed a protocol that conntrack names`,
  );
}

/** What is not said of the reply is the original direction, inverted. */
function withReply(fields: EntryFields): EntryFields {
  const { original, reply } = fields;
  const pairs = [
    ['src', 'dst'],
    ['sport', 'dport'],
    ['srckey', 'dstkey'],
  ] as const;
  for (const [one, other] of pairs) {
    fill(reply, one, original.get(other));
    fill(reply, other, original.get(one));
  }
  return fields;
}

function fill(side: Map<string, string>, name: string, text: string | undefined): void {
  if (text !== undefined && !side.has(name)) side.set(name, text);
}
