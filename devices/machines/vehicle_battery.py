"""A vehicle's battery in whole millijoules, so that two machines agree. Rule: it drains by distance only."""

from __future__ import annotations

from wcs.plant.model import Vehicle

MJ_PER_WH = 3_600_000
LOW_PERMILLE = 200  # alarm bit 10: a fifth is left, enough for any way to a charging place
REPORT_PERMILLE = 50  # a charging battery shows itself every 5 %: enough to decide when to stop charging


class Battery:
    """Energy of one vehicle type: full, drained by driving, charged by time."""

    def __init__(self, vehicle: Vehicle) -> None:
        self.full_mj = vehicle.battery_wh * MJ_PER_WH
        self._drain_wh_per_km = vehicle.drain_wh_per_km
        self._charge_w = vehicle.charge_w

    def permille(self, energy_mj: int) -> int:
        """The word Battery."""
        return energy_mj * 1_000 // self.full_mj

    def is_low(self, energy_mj: int) -> bool:
        """Whether alarm bit 10 shows."""
        return self.permille(energy_mj) < LOW_PERMILLE

    def drained(self, energy_mj: int, way_mm: int) -> int:
        """What is left after a way; an empty battery stays at 0."""
        return max(0, energy_mj - way_mm * self._drain_wh_per_km * MJ_PER_WH // 1_000_000)

    def charged(self, energy_mj: int, time_ms: int) -> int:
        """What is there after charging (a watt is a millijoule a millisecond)."""
        return min(self.full_mj, energy_mj + time_ms * self._charge_w)

    def next_report_ms(self, energy_mj: int) -> int:
        """Time until the next step of REPORT_PERMILLE, or until it is full."""
        step_mj = self.full_mj * REPORT_PERMILLE // 1_000
        missing_mj = min(step_mj - energy_mj % step_mj, self.full_mj - energy_mj)
        return -(-missing_mj // self._charge_w)
