import { describe, expect, it } from 'vitest';
import { FLOWS } from '../../src/model/tables.ts';
import { Queue, Slots } from '../../src/rebuild/slots.ts';
import { seeded } from '../wire/random.ts';

describe('Slots', () => {
  it('gives zeroed words of a row and as many more as asked', () => {
    const slots = new Slots(FLOWS, 3, 2);
    const slot = slots.take();
    expect(slots.stride).toBe(slots.extra + 3);
    slots.words.fill(-1, slot * slots.stride, (slot + 1) * slots.stride);
    slots.give(slot);
    const again = slots.take();
    const words = slots.words.subarray(again * slots.stride, (again + 1) * slots.stride);
    expect(words.every((word) => word === 0)).toBe(true);
  });

  it('is full at its limit, and not when one was given back', () => {
    const slots = new Slots(FLOWS, 0, 2);
    const first = slots.take();
    expect(slots.isFull).toBe(false);
    slots.take();
    expect(slots.isFull).toBe(true);
    slots.give(first);
    expect([slots.isFull, slots.count]).toEqual([false, 1]);
  });

  it('keeps what it holds while others are taken', () => {
    const slots = new Slots(FLOWS, 1, 5000);
    const taken = Array.from({ length: 3000 }, (_, n) => {
      const slot = slots.take();
      slots.words[slot * slots.stride] = n;
      slots.words[(slot + 1) * slots.stride - 1] = n + 7;
      return slot;
    });
    expect(new Set(taken).size).toBe(3000);
    taken.forEach((slot, n) => {
      const first = slots.words[slot * slots.stride];
      expect([first, slots.words[(slot + 1) * slots.stride - 1]]).toEqual([n, n + 7]);
    });
  });

  it.each([1, 2, 3])('names the longest quiet of each queue, seed %i', (seed) => {
    const random = seeded(seed);
    const slots = new Slots(FLOWS, 0, 40);
    const model: [number[], number[]] = [[], []];
    for (let step = 0; step < 4000; step++) {
      const all = model.flat();
      const what = random.below(3);
      if ((what === 0 || all.length === 0) && !slots.isFull) {
        model[Queue.open].push(slots.take());
      } else {
        const slot = random.pick(all);
        const queue = random.pick([Queue.open, Queue.closing]);
        for (const order of model) if (order.includes(slot)) order.splice(order.indexOf(slot), 1);
        if (what === 1) slots.give(slot);
        else {
          slots.touch(slot, queue);
          model[queue].push(slot);
          expect(slots.queueOf(slot)).toBe(queue);
        }
      }
      for (const queue of [Queue.open, Queue.closing]) {
        expect(slots.oldest(queue)).toBe(model[queue][0] ?? -1);
      }
      expect(slots.count).toBe(model.flat().length);
    }
  });
});
