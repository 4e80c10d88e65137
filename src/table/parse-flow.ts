/**
 * A `<flow>` of `conntrack -o xml` (snprintf_xml.c of libnetfilter_conntrack). It
 * names states of SCTP and DCCP by the list of TCP's, and writes no numbers of ICMP.
 */
import { TraceError } from '../model/error.ts';
import { TCP_STATES } from '../model/flow-states.ts';
import { CHANGES, type EntryFields, emptyFields, type SideFields } from './parse-fields.ts';
import type { XmlFlow } from './parse-xml.ts';
import { DCCP_STATES, SCTP_STATES } from './states.ts';

const META = 'flow/meta.independent';
const STATES: Readonly<Record<string, readonly string[]>> = { 132: SCTP_STATES, 33: DCCP_STATES };
/** Names of lines by those of XML, where they differ. */
const OTHERS: Readonly<Record<string, string>> = {
  [`${META}/mark`]: 'mark',
  [`${META}/secmark`]: 'secmark',
  [`${META}/secctx`]: 'secctx',
  [`${META}/zone`]: 'zone',
  [`${META}/use`]: 'use',
  [`${META}/id`]: 'id',
  [`${META}/deltatime`]: 'delta-time',
  [`${META}/labels/label`]: 'labels',
  [`${META}/timestamp/start`]: 'start',
  [`${META}/timestamp/stop`]: 'stop',
  'flow/helper': 'helper',
};

/** `after`: what the line says behind the flow, of a deletion by a program. */
export function flowFields({ attributes, texts }: XmlFlow, after: string): EntryFields {
  const fields = emptyFields('xml');
  const [original, reply] = ['original', 'reply'].map((name) => `flow/meta.${name}`);
  const protocol = attributes.get(`${original}/layer4@protonum`);
  if (protocol === undefined) {
    throw new TraceError('corrupt', 'found XML without a protocol, needed conntrack -o xml');
  }
  fields.protocol = protocol;
  const layer3 = attributes.get(`${original}/layer3@protonum`);
  fields.family = layer3 === '10' ? '6' : layer3 === '2' ? '4' : layer3;
  fields.change = CHANGES.find((one) => one === attributes.get('flow@type')) ?? null;
  fields.at = whenText(texts);
  readSide(fields.original, texts, original!, 'zone-orig');
  readSide(fields.reply, texts, reply!, 'zone-reply');
  fields.timeout = texts.get(`${META}/timeout`);
  fields.state = stateOf(protocol, texts.get(`${META}/state`));
  for (const name of ['assured', 'unreplied']) {
    if (texts.has(`${META}/${name}`)) fields.flags.add(name.toUpperCase());
  }
  for (const [path, name] of Object.entries(OTHERS)) {
    const text = texts.get(path);
    if (text !== undefined) fields.others.set(name, text);
  }
  const portid = /\bportid=(\d+)/.exec(after)?.[1];
  if (portid !== undefined) fields.others.set('portid', portid);
  return fields;
}

function readSide(side: SideFields, texts: XmlFlow['texts'], place: string, zone: string): void {
  const read = (path: string, name: string): void => {
    const text = texts.get(`${place}/${path}`);
    if (text !== undefined) side.set(name, text);
  };
  for (const name of ['src', 'dst']) read(`layer3/${name}`, name);
  for (const name of ['sport', 'dport', 'srckey', 'dstkey']) read(`layer4/${name}`, name);
  for (const name of ['packets', 'bytes']) read(`counters/${name}`, name);
  read('zone', zone);
}

/** The word is TCP's for the number; the number is the protocol's own. */
function stateOf(protocol: string, word: string | undefined): string | undefined {
  const own = STATES[protocol];
  if (own === undefined || word === undefined) return word;
  const names: readonly string[] = TCP_STATES;
  const number = names.indexOf(word.toLowerCase());
  return own[number] ?? word;
}

/** Local time of the machine that wrote it. */
function whenText(texts: XmlFlow['texts']): string | null {
  const part = (name: string): string => (texts.get(`flow/when/${name}`) ?? '').padStart(2, '0');
  if (!texts.has('flow/when/year')) return null;
  const [day, time] = [
    ['year', 'month', 'day'].map(part).join('-'),
    ['hour', 'min', 'sec'].map(part).join(':'),
  ];
  return `${day} ${time}`;
}
