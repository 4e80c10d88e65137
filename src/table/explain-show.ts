/** Explanations as text, and as one JSON document. */
import type { Explained, Fact } from './explain-shapes.ts';

/** Major.minor: a new minor version adds fields. */
export const EXPLAINED_VERSION = '1.1';

/** Several lines, the last ended. */
export function explainedText({
  line,
  title,
  facts,
  nat,
  next,
  advice,
  ...rest
}: Explained): string {
  const width = Math.max(0, ...facts.map(({ name }) => name.length));
  const listed = (name: string, texts: readonly string[]): string[] =>
    texts.map((text) => `  ${name}: ${text}`);
  const lines = [
    `line ${line}: ${title}`,
    ...facts.map((fact) => `  ${factText(fact, width)}`),
    ...listed('nat', nat),
    ...listed('next', next),
    ...listed('to do', advice),
    ...(rest.look === null ? [] : [`  look: ${rest.look}`]),
    ...(rest.delete === null ? [] : [`  delete: ${rest.delete}`]),
  ];
  return `${lines.join('\n')}\n`;
}

function factText({ name, value, meaning }: Fact, width: number): string {
  const told = [value, meaning].filter((part) => part !== '').join(': ');
  return `${name.padEnd(width)}  ${told}`.trimEnd();
}

/** Of one line; the document around it is the caller's. */
export function explainedJson(explained: Explained): string {
  return JSON.stringify(explained, (_, value: unknown) =>
    value instanceof Map ? Object.fromEntries(value) : value,
  );
}
