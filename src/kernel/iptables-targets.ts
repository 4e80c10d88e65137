/** Targets of iptables(8) and iptables-extensions(8) as actions. */
import type { Action, Interval, Manip, Target } from '../model/ruleset.ts';
import { rangeInterval } from './address-range.ts';
import type { ParsedRule } from './iptables-options.ts';

type Settings = ParsedRule['settings'];

const VERDICTS: Readonly<Record<string, 'accept' | 'drop' | 'return' | 'queue'>> = {
  ACCEPT: 'accept',
  DROP: 'drop',
  REJECT: 'drop',
  RETURN: 'return',
  QUEUE: 'queue',
  NFQUEUE: 'queue',
};

/** Extensions after which the next rule is asked, and which leave addresses, ports and marks alone. */
const CONTINUE = new Set(
  (
    'AUDIT CHECKSUM CLASSIFY CONNSECMARK CT DSCP ECN HL IDLETIMER LED LOG NFLOG NOTRACK ' +
    'RATEEST SECMARK SET TCPMSS TCPOPTSTRIP TEE TOS TRACE TTL ULOG'
  ).split(' '),
);

/** Undefined: an extension of which nothing is known. `chains`: those of the rule's table. */
export function actionOf(
  { target, isGoto, settings }: ParsedRule,
  chains: ReadonlySet<string>,
): Action | undefined {
  if (target === undefined) return { does: 'continue' };
  if (chains.has(target)) return { does: isGoto ? 'goto' : 'jump', chain: target };
  const verdict = VERDICTS[target];
  if (verdict !== undefined) return { does: verdict };
  if (target === 'MARK') return markAction(settings);
  if (target === 'CONNMARK') return connmarkAction(settings);
  const nat = natTarget(target, settings);
  if (nat !== undefined) return { does: 'nat', ...nat };
  return CONTINUE.has(target) ? { does: 'continue' } : undefined;
}

function natTarget(target: string, settings: Settings): Target | undefined {
  const ports = portList(settings.get('to-ports'));
  switch (target) {
    case 'DNAT':
      return { kind: 'dnat', manip: 'dst', ...destination(settings.get('to-destination')) };
    case 'SNAT':
      return { kind: 'snat', manip: 'src', ...destination(settings.get('to-source')) };
    case 'MASQUERADE':
      return { kind: 'masquerade', manip: 'src', addresses: null, ports };
    case 'REDIRECT':
      return { kind: 'redirect', manip: 'dst', addresses: null, ports };
    case 'NETMAP':
      return { kind: 'netmap', manip: 'dst', ...destination(settings.get('to')) };
    default:
      return undefined;
  }
}

/** NETMAP changes the end that its hook may change: src where `manip` says so. */
export function withManip(action: Action, manip: Manip): Action {
  return action.does === 'nat' && action.kind === 'netmap' ? { ...action, manip } : action;
}

/** `10.0.0.1-10.0.0.5:80-90`, `[fd00::1]:80`, `fd00::1`, `:80`, `10.0.0.0/24`. */
function destination(text = ''): Pick<Target, 'addresses' | 'ports'> {
  const [, address = '', ports] = /^\[([^\]]*)\](.*)$/.exec(text) ??
    /^([^:]*)(:\d.*)?$/.exec(text) ?? ['', text];
  const interval = address === '' ? undefined : rangeInterval(address);
  return {
    addresses: interval === undefined ? null : [interval],
    ports: portList(ports?.slice(1)),
  };
}

/** `80`, `80-90`; `80-90/1000` counts from another port, which is not told here. */
function portList(text: string | undefined): Interval[] | null {
  const [, first, last] = /^(\d+)(?:-(\d+))?/.exec(text ?? '') ?? [];
  return first === undefined ? null : [[first, last ?? first]];
}

/** All ways to write it are printed as `--set-xmark value/mask` (libxt_MARK). */
function markAction(settings: Settings): Action {
  const [value = 0, mask = 0xffffffff] = (settings.get('set-xmark') ?? '').split('/').map(Number);
  if (!settings.has('set-xmark')) return { does: 'mark unknown', field: 'mark' };
  return { does: 'mark', mask, value };
}

function connmarkAction(settings: Settings): Action {
  return { does: 'mark unknown', field: settings.has('restore-mark') ? 'mark' : 'ct_mark' };
}
