/**
 * The text of src/wire/layout.ts, made from the BTF of the types in
 * bpf/record.h. A test holds the file equal to what this returns.
 */
import { TraceError } from '../model/error.ts';
import type { Btf, Field } from './btf.ts';

function found<T>(type: T | undefined, name: string): T {
  if (type !== undefined) return type;
  throw new TraceError('corrupt', `the object has no type ${name}`, { hint: 'run make build' });
}

function camel(name: string): string {
  return name.replace(/[_.]+([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

function structText(btf: Btf, name: string, as: string): string {
  const struct = found(btf.struct(name), name);
  const lines = struct.fields
    .filter((field) => !/(reserved|spare)$/.test(field.path))
    .map((field) => `  ${camel(field.path)}: ${field.offset},${widthNote(field)}`);
  return [
    `/** Byte offsets within struct ${name}. */`,
    `export const ${as} = {`,
    ...lines,
    '} as const;',
    `export const ${as}Bytes = ${struct.size};`,
  ].join('\n');
}

function widthNote(field: Field): string {
  const width = `${field.size} byte${field.size === 1 ? '' : 's'}`;
  return ` // ${field.count > 1 ? `${field.count} x ` : ''}${width}`;
}

function enumText(btf: Btf, name: string, as: string, prefix: RegExp): string {
  const lines = found(btf.enumValues(name), name).map(
    ({ name: word, value }) => `  ${camel(word.replace(prefix, '').toLowerCase())}: ${value},`,
  );
  return [`/** enum ${name}. */`, `export const ${as} = {`, ...lines, '} as const;'].join('\n');
}

export function wireLayoutText(btf: Btf): string {
  return [
    '// Made from bpf/record.h by `make layout`. Not edited by hand.',
    structText(btf, 'record', 'record'),
    enumText(btf, 'record_kind', 'RecordKind', /^RECORD_/),
    enumText(btf, 'record_ctinfo', 'Ctinfo', /^CTINFO_/),
    enumText(btf, 'record_flag', 'RecordFlag', /^$/),
    enumText(btf, 'record_failure', 'FailureKind', /^FAILURE_/),
    enumText(btf, 'record_failure_flag', 'FailureFlag', /^FAILURE_/),
    enumText(btf, 'record_seen', 'Seen', /^SEEN_/),
    enumText(btf, 'record_confirm', 'ConfirmCode', /^CONFIRM_/),
    enumText(btf, 'record_state', 'StateCode', /^STATE_/),
    enumText(btf, 'record_rule', 'RuleBits', /^RULE_/),
    enumText(btf, 'record_rule_kind', 'RuleKind', /^RULE_/),
    structText(btf, 'counters', 'counters'),
    structText(btf, 'filter_terms', 'filterTerms'),
    structText(btf, 'pcap_view', 'pcapView'),
    '',
  ].join('\n\n');
}
