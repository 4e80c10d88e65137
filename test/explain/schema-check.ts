/** A document against a JSON Schema (2020-12), for the keywords that those in docs/ use. */
export type Schema = Readonly<Record<string, unknown>>;

/** Keywords that say nothing about a document. */
const SILENT = ['$schema', '$id', '$defs', 'title', 'description'];

/** One line for each thing that is wrong; empty: it fits. Throws RangeError on a keyword not known here. */
export function schemaErrors(root: Schema, document: unknown): string[] {
  return errorsIn(root, root, document, '$');
}

function errorsIn(root: Schema, schema: Schema, value: unknown, at: string): string[] {
  return Object.entries(schema).flatMap(([keyword, wanted]) => {
    if (SILENT.includes(keyword)) return [];
    const check = CHECKS[keyword];
    if (check === undefined) throw new RangeError(`${at}: keyword ${keyword} is not known`);
    return check({ root, wanted, value, at });
  });
}

interface Question {
  readonly root: Schema;
  readonly wanted: unknown;
  readonly value: unknown;
  readonly at: string;
}

const CHECKS: Readonly<Record<string, (question: Question) => string[]>> = {
  $ref: ({ root, wanted, value, at }) =>
    errorsIn(root, definition(root, String(wanted)), value, at),
  type: ({ wanted, value, at }) => {
    const kinds = [wanted].flat() as string[];
    return kinds.some((kind) => isOfKind(kind, value)) ? [] : [`${at}: not ${kinds.join(' or ')}`];
  },
  enum: ({ wanted, value, at }) =>
    (wanted as unknown[]).includes(value)
      ? []
      : [`${at}: ${JSON.stringify(value)} is no word of it`],
  anyOf: ({ root, wanted, value, at }) => {
    const all = (wanted as Schema[]).map((schema) => errorsIn(root, schema, value, at));
    return all.some((errors) => errors.length === 0) ? [] : all.flat();
  },
  pattern: ({ wanted, value, at }) =>
    typeof value !== 'string' || new RegExp(String(wanted), 'u').test(value)
      ? []
      : [`${at}: ${JSON.stringify(value)} is not of the form ${wanted}`],
  minimum: ({ wanted, value, at }) =>
    typeof value !== 'number' || value >= Number(wanted) ? [] : [`${at}: below ${wanted}`],
  minItems: ({ wanted, value, at }) =>
    !Array.isArray(value) || value.length >= Number(wanted) ? [] : [`${at}: fewer than ${wanted}`],
  maxItems: ({ wanted, value, at }) =>
    !Array.isArray(value) || value.length <= Number(wanted) ? [] : [`${at}: more than ${wanted}`],
  items: ({ root, wanted, value, at }) =>
    Array.isArray(value)
      ? value.flatMap((item, i) => errorsIn(root, wanted as Schema, item, `${at}[${i}]`))
      : [],
  required: ({ wanted, value, at }) =>
    isOfKind('object', value)
      ? (wanted as string[])
          .filter((name) => !(name in (value as object)))
          .map((n) => `${at}: no ${n}`)
      : [],
  properties: ({ root, wanted, value, at }) =>
    isOfKind('object', value)
      ? Object.entries(value as object).flatMap(([name, own]) => {
          const schema = (wanted as Record<string, Schema>)[name];
          // readers pass over what they do not know; what we write must be published
          return schema === undefined
            ? [`${at}.${name}: not in the schema`]
            : errorsIn(root, schema, own, `${at}.${name}`);
        })
      : [],
};

function definition(root: Schema, ref: string): Schema {
  const name = ref.replace('#/$defs/', '');
  const found = (root.$defs as Record<string, Schema>)[name];
  if (found === undefined) throw new RangeError(`${ref} is not defined`);
  return found;
}

function isOfKind(kind: string, value: unknown): boolean {
  switch (kind) {
    case 'null':
      return value === null;
    case 'array':
      return Array.isArray(value);
    case 'integer':
      return Number.isInteger(value);
    case 'object':
      return typeof value === 'object' && value !== null && !Array.isArray(value);
    default:
      return typeof value === kind;
  }
}
