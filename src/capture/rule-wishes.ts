/** What is probed to know the rules: where they decide, where they change, where legacy tables are. */
import { ALL, entry, type Has, type Wish } from './wish.ts';

export function ruleWishes(has: Has): Wish[] {
  return [...deciders(has), ...rulesChanges(has), ...legacyLookup(has)];
}

/** Where the rules decide: a statement of nft, or a target of xtables in either backend. */
const DECIDERS = [
  'nft_nat_eval',
  'nft_masq_eval', // since 6.12, before that one for each family:
  'nft_masq_ipv4_eval',
  'nft_masq_ipv6_eval',
  'nft_redir_eval',
  'xt_snat_target_v0',
  'xt_snat_target_v1',
  'xt_snat_target_v2',
  'xt_dnat_target_v0',
  'xt_dnat_target_v1',
  'xt_dnat_target_v2',
  'masquerade_tg',
  'masquerade_tg6',
  'redirect_tg4',
  'redirect_tg6',
  'netmap_tg4',
  'netmap_tg6',
];

/** Not there: the module is not loaded, so no rule of this kind is. */
function deciders(has: Has): Wish[] {
  return DECIDERS.filter(has).map((name) => ({
    function: name,
    ...entry(name),
    details: ALL,
    absent: 'no rule of this kind is loaded here',
  }));
}

/** Who lists a table of the legacy backend looks it up; other details see its walk. */
function legacyLookup(has: Has): Wish[] {
  if (!has('xt_find_table_lock')) return [];
  return [
    {
      function: 'xt_find_table_lock',
      kprobe: { entry: 'legacy_lookup', leave: 'legacy_found' },
      fentry: { leave: 'legacy_found' },
      details: ['flows'],
      absent: 'the legacy backend is not loaded here',
    },
  ];
}

/** Where a backend puts new rules in the place of the old ones. */
function rulesChanges(has: Has): Wish[] {
  const changes = [
    { function: 'nf_tables_commit', program: 'nft_commit' },
    { function: 'xt_replace_table', program: 'legacy_replace' },
  ];
  return changes
    .filter((change) => has(change.function))
    .map(({ function: name, program }) => ({
      function: name,
      ...entry(program),
      details: ALL,
      absent: 'this backend has no rules here',
    }));
}
