export { BpfMap, type MapSettings, MapType, OwnMap, possibleCpus } from './bpf-map.ts';
export { BpfObject, type Setting } from './bpf-object.ts';
export { Drain, type DrainResult } from './drain.ts';
export { MemoryRing } from './memory-ring.ts';
export { compilePcap } from './pcap.ts';
export { Link, Program } from './program.ts';
