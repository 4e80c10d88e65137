/** Names of kernel functions by address, as numbers: to find a name takes long. */
import type { NameTable } from '../model/rows.ts';
import { AddressTable } from './address-table.ts';

export class Locations {
  private readonly known = new AddressTable(64);
  private readonly names: NameTable;
  private readonly symbol: (low: number, high: number) => string;

  constructor(names: NameTable, symbol: (low: number, high: number) => string) {
    this.names = names;
    this.symbol = symbol;
  }

  /** Number of the name of what is at an address, which stands in two words. */
  of(words: Int32Array, at: number): number {
    const low = words[at]!;
    const high = words[at + 1]!;
    const known = this.known.find(low, high);
    if (known >= 0) return known;
    const location = this.names.numberOf(this.symbol(low, high));
    this.known.insert(low, high, location);
    return location;
  }
}
