/** The shim and rebuild/ write the same rows: each knows by itself where their words are. */
import { expect, it } from 'vitest';
import { shim } from '../../src/libbpf/shim.ts';
import { FLOWS } from '../../src/model/tables.ts';
import { FlowExtra, layout } from '../../src/rebuild/flow-columns.ts';

it('the words of a flow are where struct flow_row has them', () => {
  const columns = FLOWS.columns.map(({ name }) => layout.at(name));
  const extra = Object.values(FlowExtra).map((word) => layout.stride + word);
  const wanted = [...columns, ...extra];
  const found = wanted.map((_, index) => shim().flow_row_word(index));
  expect(found).toEqual(wanted);
  expect(shim().flow_row_word(wanted.length)).toBe(0xffff_ffff);
});
