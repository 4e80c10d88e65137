/** A scenario from its first namespace to its last packet, around whatever `record` does. */
import { applyRules } from './rules.ts';
import type { Scenario } from './scenario.ts';
import { type Net, withTopology } from './topology.ts';
import { runTraffic, type TrafficResult } from './traffic.ts';

export interface Recorder {
  /** Called when the scenario's own time begins; resolves when it is recording. */
  start(net: Net): Promise<void>;
  /** Called after the last packet, or a failure, with the namespaces still there. */
  stop(net: Net): Promise<void>;
}

export function playScenario(
  scenario: Scenario,
  recorder: Recorder,
  onProgress: (line: string) => void,
  signal?: AbortSignal,
): Promise<TrafficResult> {
  const play = async (net: Net) => {
    onProgress(`${scenario.title}: ${scenario.why}`);
    await applyRules(net, scenario);
    await runTraffic(net, scenario.beforeTrace);
    await recorder.start(net);
    try {
      return await runTraffic(net, scenario.traffic);
    } finally {
      await recorder.stop(net);
    }
  };
  return withTopology(scenario, play, signal);
}
