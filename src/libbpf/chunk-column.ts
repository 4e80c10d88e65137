/** A column of a row group, as the shim's encoder gets it, and what becomes of it: native/parquet/chunk.h. */

/** enum chunk_type. */
export const ChunkType = {
  bits: 0,
  bytes1: 1,
  bytes2: 2,
  bytes4: 4,
  bytes8: 8,
  bytes16: 16,
  names: 32,
} as const;

/** enum chunk_flag. */
export const ChunkFlag = { nullable: 1, grows: 2, signed: 4, codes: 8 } as const;

export interface ChunkSpan {
  readonly values: Uint8Array;
  readonly offsets?: Uint8Array;
  readonly validity?: Uint8Array;
  readonly from: number;
  readonly rows: number;
}

export interface ChunkPlan {
  readonly type: number;
  readonly flags: number;
  /** What the numbers of a column of codes stand for. */
  readonly words?: readonly string[];
}

export interface ChunkColumn {
  readonly plan: ChunkPlan;
  /** Batch by batch. */
  readonly spans: readonly ChunkSpan[];
}

export interface Chunk {
  /** Rows that have a value. */
  readonly present: number;
  /** The format's number of it. */
  readonly encoding: number;
  /** Of the dictionary; 0: it has no page. */
  readonly entries: number;
  /** Length before compression, and the page; lent until the next row group. */
  readonly dictionary: { readonly plain: number; readonly page: Uint8Array };
  readonly data: { readonly plain: number; readonly page: Uint8Array };
  readonly bounds: { readonly least: Uint8Array; readonly greatest: Uint8Array } | undefined;
}
