/** Pages: a header in Thrift, then the compressed body. Version 1 pages, whose levels are compressed too. */
import { i32Field, structBytes, structField, type ThriftField } from '../thrift-write.ts';
import type { Pieces } from './pieces.ts';

/** Numbers of the format's enum Encoding. */
export const PLAIN = 0;
export const RLE = 3;
export const RLE_DICTIONARY = 8;

const DATA_PAGE = 0;
const DICTIONARY_PAGE = 2;

/** A compressed page, and its length before. */
export interface PageBody {
  readonly plain: number;
  readonly page: Uint8Array;
}

/** Both put functions return the length of the page, had it not been compressed. */
export function putDictionaryPage(out: Pieces, body: PageBody, entries: number): number {
  const about = structField(7, [i32Field(1, entries), i32Field(2, PLAIN)]);
  return putPage(out, DICTIONARY_PAGE, body, about);
}

export function putDataPage(out: Pieces, body: PageBody, rows: number, encoding: number): number {
  const levels = [i32Field(3, RLE), i32Field(4, RLE)];
  const about = structField(5, [i32Field(1, rows), i32Field(2, encoding), ...levels]);
  return putPage(out, DATA_PAGE, body, about);
}

function putPage(out: Pieces, type: number, { plain, page }: PageBody, about: ThriftField) {
  const head = structBytes([
    i32Field(1, type),
    i32Field(2, plain),
    i32Field(3, page.length),
    about,
  ]);
  out.put(head);
  out.put(page);
  return head.length + plain;
}
