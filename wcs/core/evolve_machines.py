"""What facts about transport orders, devices, points and vehicles do to the state. Rule: no decisions; it happened."""

from __future__ import annotations

from msgspec import structs
from msgspec.structs import replace

from wcs.core import entities as e
from wcs.core import facts as f
from wcs.core.evolve_stock import draw
from wcs.core.ports import CommandCode
from wcs.core.state import State
from wcs.traffic.records import Grant

SITE = "site"


def plant_installed(state: State, fact: f.PlantInstalled) -> None:
    state.installed_plant.put(e.InstalledPlant(name=fact.name, digest=fact.digest))


def term_begun(state: State, fact: f.TermBegun) -> None:
    state.site.put(e.Site(name=SITE, epoch=fact.epoch, now_ms=fact.now_ms))
    for name in state.layout.devices:
        device = state.device.get(name) or e.Device(name=name)
        link = e.Link.FROZEN if device.link is e.Link.FROZEN else e.Link.LOST
        state.device.put(replace(device, link=link, able=False, command_sequence=0, sync_sequence=0))
    for name, home in state.layout.homes.items():
        if name not in state.vehicle:
            state.vehicle.put(e.VehicleTraffic(vehicle=name, home=home, node=state.layout.vehicles[name].start_node))


def epoch_raised(state: State, fact: f.EpochRaised) -> None:
    state.site.put(replace(state.site[SITE], epoch=fact.epoch))
    draw(state, "task", fact.task_counter)


def clock_moved(state: State, fact: f.ClockMoved) -> None:
    state.site.put(replace(state.site[SITE], now_ms=fact.now_ms))


def transport_order_created(state: State, fact: f.TransportOrderCreated) -> None:
    draw(state, "transport_order", fact.transport_order.number)
    state.transport.put(fact.transport_order)


def transport_order_redirected(state: State, fact: f.TransportOrderRedirected) -> None:
    transport = state.transport[fact.number]
    state.transport.put(
        replace(transport, sink=fact.sink, purpose=fact.purpose, order_number=fact.order_number, waits_for="")
    )


def transport_order_waits(state: State, fact: f.TransportOrderWaits) -> None:
    state.transport.put(replace(state.transport[fact.number], waits_for=fact.waits_for))


def transport_order_ended(state: State, fact: f.TransportOrderEnded) -> None:
    state.transport.drop(fact.number)


def leg_started(state: State, fact: f.LegStarted) -> None:
    draw(state, "leg", fact.leg.number)
    state.leg.put(fact.leg)
    transport = state.transport[fact.leg.transport_order]
    state.transport.put(replace(transport, leg=fact.leg.number, state=e.TransportState.UNDER_WAY, waits_for=""))


def leg_assigned(state: State, fact: f.LegAssigned) -> None:
    state.leg.put(replace(state.leg[fact.number], device=fact.device))


def leg_redirected(state: State, fact: f.LegRedirected) -> None:
    state.leg.put(replace(state.leg[fact.number], sink=fact.sink))


def leg_picked(state: State, fact: f.LegPicked) -> None:
    state.leg.put(replace(state.leg[fact.number], picked=True))


def leg_ended(state: State, fact: f.LegEnded) -> None:
    leg = state.leg[fact.number]
    state.leg.drop(fact.number)
    state.transport.put(replace(state.transport[leg.transport_order], leg=0))


def _sent(state: State, device: str, sequence: int, code: CommandCode) -> None:
    state.device.put(replace(state.device[device], sequence=sequence, command_sequence=sequence, command_code=code))


def device_task_started(state: State, fact: f.DeviceTaskStarted) -> None:
    draw(state, "task", fact.open_task.number)
    state.task.put(fact.open_task)
    device = state.device[fact.open_task.device]
    state.device.put(
        replace(
            device,
            sequence=fact.sequence,
            command_sequence=fact.sequence,
            command_code=CommandCode.TASK,
            task=fact.open_task.number,
            last_place=fact.open_task.sink or device.last_place,
        )
    )


def device_task_offered(state: State, fact: f.DeviceTaskOffered) -> None:
    task = state.task[fact.number]
    state.task.put(replace(task, state=e.TaskState.SENT))
    _sent(state, task.device, fact.sequence, CommandCode.TASK)


def device_task_extended(state: State, fact: f.DeviceTaskExtended) -> None:
    task = state.task[fact.number]
    state.task.put(replace(task, task=fact.task))
    _sent(state, task.device, fact.sequence, CommandCode.EXTEND)


def device_task_accepted(state: State, fact: f.DeviceTaskAccepted) -> None:
    state.task.put(replace(state.task[fact.number], state=e.TaskState.ACCEPTED))


def device_task_refused(state: State, fact: f.DeviceTaskRefused) -> None:
    state.task.put(replace(state.task[fact.number], state=e.TaskState.REFUSED))


def device_task_load_picked(state: State, fact: f.DeviceTaskLoadPicked) -> None:
    state.task.put(replace(state.task[fact.number], picked=True))


def device_task_load_deposited(state: State, fact: f.DeviceTaskLoadDeposited) -> None:
    state.task.put(replace(state.task[fact.number], deposited=True))


def device_task_done(state: State, fact: f.DeviceTaskDone) -> None:
    state.task.put(replace(state.task[fact.number], state=e.TaskState.DONE, result=fact.result))


def device_task_outcome_unknown(state: State, fact: f.DeviceTaskOutcomeUnknown) -> None:
    state.task.put(replace(state.task[fact.number], state=e.TaskState.UNKNOWN))


def device_task_answered(state: State, fact: f.DeviceTaskAnswered) -> None:
    state.task.put(replace(state.task[fact.number], answered=fact.answer))


def device_task_ended(state: State, fact: f.DeviceTaskEnded) -> None:
    task = state.task[fact.number]
    state.task.drop(fact.number)
    state.device.put(replace(state.device[task.device], task=0))


def command_issued(state: State, fact: f.CommandIssued) -> None:
    _sent(state, fact.device, fact.sequence, fact.code)
    if fact.code is CommandCode.SYNC:
        state.device.put(replace(state.device[fact.device], sync_sequence=fact.sequence))


def command_answered(state: State, fact: f.CommandAnswered) -> None:
    device = state.device[fact.device]
    if device.command_sequence == fact.sequence:
        state.device.put(replace(device, command_sequence=0))


def device_link_changed(state: State, fact: f.DeviceLinkChanged) -> None:
    device = state.device[fact.device]
    able = device.able and fact.link is e.Link.SYNCHRONISED
    command = device.command_sequence if fact.link in (e.Link.FOUND, e.Link.SYNCHRONISED) else 0
    ever = device.ever_synchronised or fact.link is e.Link.SYNCHRONISED
    state.device.put(replace(device, link=fact.link, able=able, command_sequence=command, ever_synchronised=ever))


def device_frozen(state: State, fact: f.DeviceFrozen) -> None:
    state.device.put(
        replace(
            state.device[fact.device],
            link=e.Link.FROZEN,
            able=False,
            foreign_epoch=fact.epoch,
            foreign_task=fact.task,
            foreign_sequence=fact.sequence,
        )
    )


def device_seen(state: State, fact: f.DeviceSeen) -> None:
    state.device.put(
        replace(
            state.device[fact.device],
            mode=fact.mode,
            able=fact.able,
            stopped=fact.stopped,
            alarms=fact.alarms,
            confirmed=fact.confirmed,
            load_unit=fact.load_unit,
            battery_permille=fact.battery_permille,
        )
    )


def device_service_changed(state: State, fact: f.DeviceServiceChanged) -> None:
    by = "" if fact.in_service else fact.actor
    state.device.put(replace(state.device[fact.device], in_service=fact.in_service, out_of_service_by=by))


def transfer_point_seen(state: State, fact: f.TransferPointSeen) -> None:
    s = fact.status
    state.transfer_point.put(
        e.TransferPointState(
            name=fact.name,
            occupied=s.occupied,
            ready_to_accept=s.ready_to_accept,
            ready_to_hand_over=s.ready_to_hand_over,
            track=s.track,
            event_sequence=s.event_sequence,
        )
    )


def track_bound(state: State, fact: f.TrackBound) -> None:
    state.track.put(e.Track(conveyor=fact.conveyor, track=fact.track, load_unit=fact.load_unit))


def track_released(state: State, fact: f.TrackReleased) -> None:
    state.track.drop((fact.conveyor, fact.track))


def load_unit_seen(state: State, fact: f.LoadUnitSeen) -> None:
    state.point.put(
        e.PointState(
            name=fact.point,
            scan_sequence=fact.scan_sequence,
            track=fact.track,
            load_unit=fact.load_unit,
            waiting=True,
        )
    )
    conveyor = state.layout.conveyor_of_place[fact.point]
    track = state.track.get((conveyor, fact.track))
    if fact.load_unit != (track.load_unit if track else 0) or fact.no_reads != (track.no_reads if track else 0):
        state.track.put(e.Track(conveyor=conveyor, track=fact.track, load_unit=fact.load_unit, no_reads=fact.no_reads))


def exit_decided(state: State, fact: f.ExitDecided) -> None:
    point = state.point[fact.point]
    state.point.put(replace(point, exit=fact.exit, waiting=fact.waiting))


def _keep_traffic(state: State) -> None:
    for vehicle in state.traffic.take_changed():  # one fact may end another's detour or change its home
        state.vehicle.put(e.VehicleTraffic(**structs.asdict(state.traffic.vehicles[vehicle])))


def vehicle_stopped(state: State, fact: f.VehicleStopped) -> None:
    state.traffic.stop(fact.vehicle, fact.node, fact.at_ms)
    _keep_traffic(state)


def vehicle_reached(state: State, fact: f.VehicleReached) -> None:
    state.traffic.confirm(fact.vehicle, fact.node, fact.at_ms)
    _keep_traffic(state)


def vehicle_able_changed(state: State, fact: f.VehicleAbleChanged) -> None:
    state.traffic.set_able(fact.vehicle, fact.able, fact.at_ms)
    _keep_traffic(state)


def errand_given(state: State, fact: f.ErrandGiven) -> None:
    state.traffic.set_errand(fact.vehicle, fact.sink, fact.at_ms)
    _keep_traffic(state)


def errand_ended(state: State, fact: f.ErrandEnded) -> None:
    state.traffic.cancel_errand(fact.vehicle)
    _keep_traffic(state)


def route_granted(state: State, fact: f.RouteGranted) -> None:
    grant = Grant(
        vehicle=fact.vehicle,
        nodes=fact.nodes,
        towards=fact.towards,
        detour=fact.detour,
        kept=fact.kept,
        retreat=fact.retreat,
        homes=fact.homes,
    )
    state.traffic.grant(grant, fact.at_ms)
    _keep_traffic(state)


EVOLVE = {
    f.PlantInstalled: plant_installed,
    f.TermBegun: term_begun,
    f.EpochRaised: epoch_raised,
    f.ClockMoved: clock_moved,
    f.TransportOrderCreated: transport_order_created,
    f.TransportOrderRedirected: transport_order_redirected,
    f.TransportOrderWaits: transport_order_waits,
    f.TransportOrderEnded: transport_order_ended,
    f.LegStarted: leg_started,
    f.LegAssigned: leg_assigned,
    f.LegRedirected: leg_redirected,
    f.LegPicked: leg_picked,
    f.LegEnded: leg_ended,
    f.DeviceTaskStarted: device_task_started,
    f.DeviceTaskOffered: device_task_offered,
    f.DeviceTaskExtended: device_task_extended,
    f.DeviceTaskAccepted: device_task_accepted,
    f.DeviceTaskRefused: device_task_refused,
    f.DeviceTaskLoadPicked: device_task_load_picked,
    f.DeviceTaskLoadDeposited: device_task_load_deposited,
    f.DeviceTaskDone: device_task_done,
    f.DeviceTaskOutcomeUnknown: device_task_outcome_unknown,
    f.DeviceTaskAnswered: device_task_answered,
    f.DeviceTaskEnded: device_task_ended,
    f.CommandIssued: command_issued,
    f.CommandAnswered: command_answered,
    f.DeviceLinkChanged: device_link_changed,
    f.DeviceFrozen: device_frozen,
    f.DeviceSeen: device_seen,
    f.DeviceServiceChanged: device_service_changed,
    f.TransferPointSeen: transfer_point_seen,
    f.TrackBound: track_bound,
    f.TrackReleased: track_released,
    f.LoadUnitSeen: load_unit_seen,
    f.ExitDecided: exit_decided,
    f.VehicleStopped: vehicle_stopped,
    f.VehicleReached: vehicle_reached,
    f.VehicleAbleChanged: vehicle_able_changed,
    f.ErrandGiven: errand_given,
    f.ErrandEnded: errand_ended,
    f.RouteGranted: route_granted,
}
