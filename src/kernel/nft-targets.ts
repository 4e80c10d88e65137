/** NAT statements of nft's JSON as actions: `dnat to 10.0.0.5:80`, `redirect to :80`, maps. */
import type { Action, Interval, Target, Term } from '../model/ruleset.ts';
import { formOf, type Json, type NftTable, words } from './nft-json.ts';
import { familyTerm, impliedTerms, keysOf, partsOf } from './nft-keys.ts';
import { bareValue, intervalOf, pairsOf, rowOf } from './nft-values.ts';

type Kind = 'snat' | 'dnat' | 'masquerade' | 'redirect';

/** What comes out of a map, or stands there by itself. */
type Ends = Pick<Target, 'addresses' | 'ports'>;

const AS_IT_IS: Ends = { addresses: null, ports: null };

export function isNatStatement(form: string): form is Kind {
  return ['snat', 'dnat', 'masquerade', 'redirect'].includes(form);
}

/** In family inet, one that names a family passes over packets of the other. */
export function natAction(
  kind: Kind,
  body: Json,
  table: NftTable,
): { terms: Term[]; action: Action } {
  const isPrefix = [...words(body.flags), ...words(body.type_flags)].some((flag) =>
    /netmap|prefix/.test(flag),
  );
  const manip = kind === 'snat' || kind === 'masquerade' ? 'src' : 'dst';
  const target = (ends: Ends): Target => ({ kind: isPrefix ? 'netmap' : kind, manip, ...ends });
  const terms = table.family === 'inet' ? familyTerm(String(body.family)) : [];
  const address = formOf(body.addr)[0] === 'map' ? mapOf(body.addr) : undefined;
  const port = formOf(body.port)[0] === 'map' ? mapOf(body.port) : undefined;
  if (address === undefined && port === undefined) {
    const ends = endsOf(body);
    return { terms, action: ends ? { does: 'nat', ...target(ends) } : mappedNowhere() };
  }
  if (address !== undefined && port !== undefined) return { terms, action: mappedNowhere() };
  const rest = endsOf(address === undefined ? { addr: body.addr } : { port: body.port });
  const map = (address ?? port)!;
  const implied = partsOf(map.key).flatMap((part) => impliedTerms(part, table.family));
  return { terms: [...terms, ...implied], action: mapAction(map, rest, table, target) };
}

/** Of an expression that no listing resolves; each target may come out. */
function mappedNowhere(): Action {
  return { does: 'nat map', fields: [], elements: null, targets: [] };
}

function mapOf(value: unknown): Json {
  return formOf(value)[1] as Json;
}

function mapAction(
  { key, data }: Json,
  rest: Ends | undefined,
  table: NftTable,
  target: (ends: Ends) => Target,
): Action {
  const map = pairsOf(data, table);
  if (map === undefined || rest === undefined) return mappedNowhere();
  const keys = keysOf(key);
  const isMasked = keys?.some(({ mask }) => mask !== undefined) ?? false;
  const targets: Target[] = [];
  const elements: { key: readonly Interval[]; to: Target }[] = [];
  for (const [element, value] of map.pairs) {
    const ends = dataEnds(value);
    if (ends === undefined) return mappedNowhere();
    const to = target({
      addresses: ends.addresses ?? rest.addresses,
      ports: ends.ports ?? rest.ports,
    });
    targets.push(to);
    const row = keys === undefined ? undefined : rowOf(keys, element);
    if (row !== undefined) elements.push({ key: row, to });
  }
  const isEvaluable = !isMasked && map.isFixed && elements.length === targets.length;
  return {
    does: 'nat map',
    fields: keys?.map(({ field }) => field) ?? [],
    elements: isEvaluable && keys !== undefined ? elements : null,
    targets,
  };
}

/** An address, a port, or both. */
function dataEnds(value: unknown): Ends | undefined {
  const data = bareValue(value);
  const [form, body] = formOf(data);
  if (form === 'concat') {
    const [addr, port] = body as readonly unknown[];
    return endsOf({ addr, port });
  }
  const address = intervalOf('dst', data);
  return address === undefined ? endsOf({ port: data }) : { ...AS_IT_IS, addresses: [address] };
}

/** Undefined: an address or a port that the rule computes. */
function endsOf({ addr, port }: Json): Ends | undefined {
  const address = addr === undefined ? null : intervalOf('dst', addr);
  const ports = port === undefined ? null : intervalOf('dst_port', port);
  if (address === undefined || ports === undefined) return undefined;
  return { addresses: address && [address], ports: ports && [ports] };
}
