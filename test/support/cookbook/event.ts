export interface FleetEvent {
  id: string;
  installationId: string;
  product: string;
  event: string;
  occurredAt: string;
  version: string;
  properties: object;
}

let made = 0;
export const event = (rest: Omit<FleetEvent, 'id'>): FleetEvent => ({
  id: `event ${(made += 1)}`,
  ...rest,
});
