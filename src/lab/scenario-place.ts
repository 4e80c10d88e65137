/** A value in a scenario file together with where it stands, for errors that say so. */
import { isNode, LineCounter, parseDocument } from 'yaml';
import { TraceError } from '../model/error.ts';

export interface Place {
  readonly value: unknown;
  /** As a person would say it: `traffic[2].udp.to`. */
  readonly key: string;
  /** The value below, which may be undefined. */
  at(key: string | number): Place;
  /** The error: file, line, key, found, needed. */
  refuse(needed: string): TraceError;
}

function describe(value: unknown): string {
  if (value === undefined) return 'nothing';
  const text = typeof value === 'string' ? `"${value}"` : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

/** Opens the text; the errors name `path`. */
export function openPlace(text: string, path: string): Place {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const [broken] = document.errors;
  if (broken) {
    const { line } = lines.linePos(broken.pos[0]);
    throw new TraceError('corrupt', `${path}:${line}: not YAML: ${broken.message}`);
  }
  const lineOf = (keys: readonly (string | number)[]): number => {
    for (let depth = keys.length; depth > 0; depth--) {
      const node = document.getIn(keys.slice(0, depth), true);
      if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
    }
    return 1;
  };
  const place = (value: unknown, keys: readonly (string | number)[]): Place => {
    const key = keys
      .map((k) => (typeof k === 'number' ? `[${k}]` : `.${k}`))
      .join('')
      .slice(1);
    return {
      value,
      key,
      at: (next) =>
        place((value as Record<string | number, unknown> | undefined)?.[next], [...keys, next]),
      refuse: (needed) =>
        new TraceError(
          'corrupt',
          `${path}:${lineOf(keys)}: ${key || 'file'}: found ${describe(value)}, needed ${needed}`,
        ),
    };
  };
  return place(document.toJS(), []);
}

export function readText(place: Place): string {
  if (typeof place.value === 'string' && place.value !== '') return place.value;
  throw place.refuse('text');
}

export function readWord<Word extends string>(place: Place, words: readonly Word[]): Word {
  const found = words.find((word) => word === place.value);
  if (found !== undefined) return found;
  throw place.refuse(words.join(' or '));
}

export function readNumber(place: Place, least: number, most: number): number {
  const { value } = place;
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) {
    return value;
  }
  throw place.refuse(`a whole number from ${least} to ${most}`);
}

export function readFlag(place: Place): boolean {
  if (typeof place.value === 'boolean') return place.value;
  throw place.refuse('true or false');
}

/** The entries of a mapping whose keys must be among the known ones. */
export function readMapping(place: Place, known?: readonly string[]): [string, Place][] {
  const { value } = place;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw place.refuse('a mapping');
  }
  const keys = Object.keys(value);
  const stranger = known && keys.find((key) => !known.includes(key));
  if (stranger !== undefined) {
    throw place.at(stranger).refuse(`no such key; ${known?.join(', ')} are known here`);
  }
  return keys.map((key) => [key, place.at(key)]);
}

export function readList(place: Place): Place[] {
  const { value } = place;
  if (!Array.isArray(value)) throw place.refuse('a list');
  return value.map((_, index) => place.at(index));
}

/** Reads what is there, else the given value. */
export function optional<T, D>(place: Place, read: (place: Place) => T, otherwise: D): T | D {
  return place.value === undefined || place.value === null ? otherwise : read(place);
}
