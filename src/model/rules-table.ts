/** The table `rules`: what was loaded, what it decided, what its mappings translated. */
import { COUNTED_BY, HOOKS, RULE_BACKENDS, VERDICTS } from './codes.ts';
import { type Column, code, column, NULL, type Table } from './column.ts';

function counted(name: string, meaning: string, unit = ''): Column {
  return column(name, 'u64', `${meaning}; null: not counted`, { nullable: true, unit });
}

export const RULES: Table = {
  name: 'rules',
  meaning: 'one rule of a nat chain, or of a chain that one leads to, in the order of evaluation',
  columns: [
    column('rule', 'u32', 'number of the rule in this trace: flows.src_rule, flows.dst_rule'),
    column('netns', 'u32', 'network namespace', { unit: 'inode' }),
    code('backend', RULE_BACKENDS, 'what keeps the rule and who wrote it'),
    column('family', 'name', 'ip, ip6 or inet; null: the rule was never read', NULL),
    column('table', 'name', 'its table', NULL),
    column('table_handle', 'u64', 'nft: handle of the table, never used twice; legacy: 0'),
    column('chain', 'name', 'its chain', NULL),
    column('handle', 'u64', 'nft: handle of the rule; legacy: offset in the table', { unit: '' }),
    column('number', 'u32', 'place in its chain, from 1', NULL),
    code('hook', HOOKS, 'hook of its chain; null: a chain that is only jumped to', true),
    column('priority', 'name', 'priority of its chain', NULL),
    code('policy', VERDICTS, 'policy of its chain', true),
    column('text', 'name', 'the rule as its own tool writes it, counters left out', NULL),
    column('program', 'name', 'its terms and actions as JSON (model/ruleset.ts)', NULL),
    column('added_at', 'timestamp', 'first read after the start; null: it was there before', {
      unit: 'ns since 1970 UTC',
      nullable: true,
    }),
    column('removed_at', 'timestamp', 'first found gone; null: still there at the end', {
      unit: 'ns since 1970 UTC',
      nullable: true,
    }),
    counted('packets_before', "the kernel's counter when the rule was first read"),
    counted('packets_after', "the kernel's counter when the rule was last read"),
    counted('bytes_before', 'the same of its bytes', 'bytes'),
    counted('bytes_after', 'the same of its bytes', 'bytes'),
    column('flows', 'u64', 'flows whose mapping it decided during the trace'),
    column('packets', 'u64', 'packets of original direction translated by those mappings'),
    column('packets_reply', 'u64', 'packets of reply direction translated by those mappings'),
    column('bytes', 'u64', 'their length', { unit: 'bytes' }),
    column('bytes_reply', 'u64', 'their length', { unit: 'bytes' }),
    code('counted_by', COUNTED_BY, 'how the translated packets were counted'),
  ],
};
