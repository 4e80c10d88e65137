import { TraceError } from '../model/error.ts';

/** The words of a filter, one after the other, with the errors that tell where one stands. */
export interface FilterWords {
  readonly isAtEnd: boolean;
  /** The next word, '' at the end. */
  readonly peek: string;
  isNext(words: readonly string[]): boolean;
  /** Takes a word; at the end, the error says what was needed. */
  next(allowed?: readonly string[]): string;
  /** The next word must not stand there. */
  unexpected(allowed: readonly string[]): TraceError;
  /** The word taken last must not stand there. */
  wrong(allowed: readonly string[]): TraceError;
}

export function wordsOf(text: string): FilterWords {
  const found = [...text.matchAll(/[()]|[^\s()]+/g)].map(({ 0: word, index }) => ({ word, index }));
  let at = 0;
  const errorAt = (index: number, allowed: readonly string[]): TraceError => {
    const word = found[index];
    const where = word === undefined ? 'the end' : `"${word.word}" at column ${word.index + 1}`;
    return new TraceError('usage', `filter: found ${where}, needed ${list(allowed)}`, {
      hint: `--filter 'tcp and host 10.0.0.1 and port 80'`,
    });
  };
  return {
    get isAtEnd() {
      return at >= found.length;
    },
    get peek() {
      return found[at]?.word ?? '';
    },
    isNext: (words) => words.includes(found[at]?.word ?? ''),
    next(allowed = []) {
      const word = found[at];
      if (word === undefined) throw errorAt(at, allowed);
      at++;
      return word.word;
    },
    unexpected: (allowed) => errorAt(at, allowed),
    wrong: (allowed) => errorAt(at - 1, allowed),
  };
}

function list(allowed: readonly string[]): string {
  const last = allowed.at(-1) ?? '';
  return allowed.length < 2 ? last : `${allowed.slice(0, -1).join(', ')} or ${last}`;
}
