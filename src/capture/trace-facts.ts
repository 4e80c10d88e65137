/** What a trace says of itself at its start. */
import { hostname } from 'node:os';
import { bootId } from '../kernel/boot-id.ts';
import { clockOffsetNs } from '../kernel/clock.ts';
import { dropReasons } from '../kernel/drop-reasons.ts';
import { netnsNames } from '../kernel/netns.ts';
import { netnsPlaces } from '../kernel/netns-places.ts';
import { kernelRelease } from '../kernel/release.ts';
import { type Extra, RECORD_VERSION, type TraceFacts } from '../model/facts.ts';
import { recordBytes } from '../wire/layout.ts';
import { placeText } from './attach.ts';
import type { Loaded } from './load.ts';
import type { SessionOptions } from './session.ts';
import { sourcesOf } from './sources.ts';

export type Known = SessionOptions & {
  readonly cpus: number;
  readonly text: string;
  readonly modules: ReadonlySet<string>;
};

export function factsOf({ plan, attached }: Loaded, options: Known): TraceFacts {
  return {
    recordVersion: RECORD_VERSION,
    recordBytes,
    node: hostname(),
    ...bootFacts(),
    kernel: kernelRelease().text,
    arch: process.arch,
    cpus: options.cpus,
    clockOffsetNs: clockOffsetNs().toString(),
    dropReasons: dropReasons(),
    attached: attached.places.map(({ probe }) => placeText(probe)),
    notAvailable: [...plan.notAvailable, ...attached.refused],
    sources: sourcesOf(attachedOnly(plan, attached), options.detail),
    detail: options.detail,
    extras: extrasOf(options, attached),
    backend: plan.backend,
    sample: options.sample,
    filter: options.text,
    netnsNames: netnsNames(),
    places: netnsPlaces(),
  };
}

function bootFacts(): Pick<TraceFacts, 'bootId'> {
  const id = bootId();
  return id === undefined ? {} : { bootId: id };
}

/** What was asked for beside, where its probe came to be: the return of nf_conntrack_in(). */
function extrasOf({ detail, states, refusals }: Known, { places }: Loaded['attached']): Extra[] {
  const programs = new Set(places.map(({ probe }) => probe.program));
  return [
    ...(states && detail === 'flows' && programs.has('tracked') ? (['states'] as const) : []),
    ...(refusals && programs.has('conntrack_leave') ? (['refusals'] as const) : []),
  ];
}

/** Without the probes that were refused. */
function attachedOnly(plan: Loaded['plan'], { places, refused }: Loaded['attached']) {
  const probes = places.map(({ probe }) => probe);
  return { ...plan, probes, notAvailable: [...plan.notAvailable, ...refused] };
}
