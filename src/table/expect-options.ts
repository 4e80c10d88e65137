/**
 * The options of conntrack(8) that describe an expectation beside its master,
 * by the names that it gives them.
 */
import type { EntryOption } from './entry-options.ts';

/** What was given, by the key of each option. */
export type ExpectWords = { readonly [Key in ExpectKey]?: string };

/** Keys are the names of options as commander has them. */
export const EXPECT_OPTIONS = [
  {
    key: 'tupleSrc',
    long: ['tuple-src'],
    value: '<address>',
    meaning: 'expect: source of the flow to come; a prefix such as 10.0.0.0/8 for any of it',
  },
  {
    key: 'tupleDst',
    long: ['tuple-dst'],
    value: '<address>',
    meaning: 'expect: destination of the flow to come',
  },
  {
    key: 'tuplePortSrc',
    long: ['tuple-port-src'],
    value: '<port>',
    meaning: 'expect: source port of the flow to come; any without it',
  },
  {
    key: 'tuplePortDst',
    long: ['tuple-port-dst'],
    value: '<port>',
    meaning: 'expect: destination port of the flow to come',
  },
  {
    key: 'maskSrc',
    long: ['mask-src'],
    value: '<mask>',
    meaning: 'expect: bits of --tuple-src that count',
  },
  {
    key: 'maskDst',
    long: ['mask-dst'],
    value: '<mask>',
    meaning: 'expect: of --tuple-dst all bits count',
  },
  {
    key: 'maskPortSrc',
    long: ['mask-port-src'],
    value: '<mask>',
    meaning: 'expect: bits of --tuple-port-src that count',
  },
  {
    key: 'maskPortDst',
    long: ['mask-port-dst'],
    value: '<mask>',
    meaning: 'expect: of --tuple-port-dst all bits count',
  },
] as const satisfies readonly EntryOption[];

export type ExpectKey = (typeof EXPECT_OPTIONS)[number]['key'];
