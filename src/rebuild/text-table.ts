/** The kernel's own words, by their address: RECORD_TEXT. */
import { record } from '../wire/layout.ts';
import { Word } from '../wire/words.ts';
import { AddressTable } from './address-table.ts';

const TEXT_BYTES = 48;

export class TextTable {
  private readonly texts: string[] = [];
  private readonly places = new AddressTable(64);

  add(words: Int32Array, at: number): void {
    const low = words[at + Word.textAt]!;
    const high = words[at + Word.textAt + 1]!;
    if (this.places.find(low, high) >= 0) return;
    this.places.insert(low, high, this.texts.length);
    this.texts.push(textOf(words, at));
  }

  /** The text whose address stands at a word; undefined where it was never told. */
  find(words: Int32Array, word: number): string | undefined {
    const place = this.places.find(words[word]!, words[word + 1]!);
    return place < 0 ? undefined : this.texts[place];
  }
}

/** Up to the first zero byte; one that was cut ends with its last whole word. */
function textOf(words: Int32Array, at: number): string {
  const bytes = new Uint8Array(words.buffer, words.byteOffset + at * 4 + record.text, TEXT_BYTES);
  const end = bytes.indexOf(0);
  const text = String.fromCharCode(...bytes.subarray(0, end < 0 ? TEXT_BYTES : end));
  const isCut = end < 0 || end === TEXT_BYTES - 1;
  return isCut ? text.replace(/ \S*$/, ' …') : text.trimEnd();
}
