//! One task a line: it polls the line's devices in turn, writes what Control sends, and tells the
//! hub what came of it. A device that brings its own way to us has a task of its own, which also
//! listens to what the device says unasked.

use crate::hub::{Event, Hub};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use wellhead_driver::{
    AnyDriver, Backoff, DeviceError, DeviceSchedule, Line, Next, Readback, Readings, Recovery,
    Schedule, Write,
};
use wellhead_model::{DeviceId, Mono, PointIndex};

/// Requests to a line that may wait for their turn; a full queue refuses.
pub const REQUESTS_MAX: usize = 64;

/// A device ready to be polled.
pub struct Station {
    /// Which.
    pub device: DeviceId,
    /// How to talk to it.
    pub driver: Box<dyn AnyDriver>,
    /// How to leave it alone when it does not answer.
    pub backoff: Backoff,
    /// When its first poll is due, so that many devices are spread over their period.
    pub start: Mono,
    /// How long after a failure it may be asked again.
    pub again: Duration,
}

/// What a line is asked to do besides polling.
pub enum Request {
    /// Write one value. The answer goes to the sender.
    Write(DeviceId, Write, oneshot::Sender<Result<Readback, DeviceError>>),
    /// Take a value back, and look whether it is gone if so said. The answer goes to the sender.
    Relinquish(DeviceId, PointIndex, bool, oneshot::Sender<Result<Readback, DeviceError>>),
    /// Take over this device, new or changed.
    Add(Box<Station>),
    /// Poll this device no more.
    Remove(DeviceId),
}

impl Request {
    /// Whether it takes the line.
    fn talks(&self) -> bool {
        matches!(self, Self::Write(..) | Self::Relinquish(..))
    }
}

struct LineTask {
    line: Line,
    stations: Vec<Station>,
    /// Devices that were down already when a write got no answer either, with what that came to.
    /// Until their next poll they are not written to: each try would cost their neighbours a
    /// timeout.
    silent: HashMap<DeviceId, DeviceError>,
    schedule: Schedule,
    hub: Arc<Hub>,
    readings: Readings,
    /// What a device says unasked; apart from `readings`, as listening may be given up any time.
    said: Readings,
}

/// What a line waits for when nothing is due.
enum Woken {
    /// Something is due.
    Due,
    /// A device said something.
    Said,
    /// A request, or the end of them.
    Asked(Option<Request>),
}

/// Runs until the sender of `requests` is gone.
pub async fn run(
    line: Line,
    stations: Vec<Station>,
    hub: Arc<Hub>,
    mut requests: mpsc::Receiver<Request>,
) {
    let schedule = Schedule::new(stations.iter().map(timetable).collect());
    let (readings, said) = (Readings::default(), Readings::default());
    let silent = HashMap::new();
    let mut task = LineTask { line, stations, silent, schedule, hub, readings, said };
    loop {
        // One write, then one poll that is due, so that neither keeps the other waiting for ever.
        while let Ok(request) = requests.try_recv() {
            let talks = request.talks();
            task.serve(request).await;
            if talks {
                break;
            }
        }
        let now = task.now();
        let wait = match task.schedule.next(now) {
            Next::Poll { device, group } => {
                task.poll(device, group, now).await;
                if requests.is_closed() && requests.is_empty() {
                    return;
                }
                continue;
            }
            Next::Wait(until) => Some(until.since(now)),
            Next::Idle => None,
        };
        if !requests.is_empty() {
            continue;
        }
        if task.line.close_when_idle() {
            task.line.close();
        }
        match task.wait(wait, &mut requests).await {
            Woken::Due => {}
            Woken::Said => task.heard_unasked(),
            Woken::Asked(Some(request)) => task.serve(request).await,
            Woken::Asked(None) => return,
        }
    }
}

fn not_here(device: &DeviceId) -> DeviceError {
    DeviceError::Unreachable { target: device.to_string(), error: "not on this line".into() }
}

/// That a device is down, in English and in Chinese. One that sends what can't be used does answer,
/// and whoever looks for a broken wire looks in vain.
fn down(id: &DeviceId, error: &DeviceError) -> (String, String) {
    let zh = error.text_zh();
    match error {
        DeviceError::NoReply(_) => {
            (format!("{id} does not answer: {error}"), format!("{id} 不应答：{zh}"))
        }
        DeviceError::BadReply(what) => (
            format!("{id} gives no answer that can be used: {what}"),
            format!("{id} 有应答，但无法使用：{what}"),
        ),
        _ => (format!("{id}: {error}"), format!("{id}：{zh}")),
    }
}

fn timetable(station: &Station) -> DeviceSchedule {
    let periods: Vec<_> = station.driver.groups().iter().map(|g| g.period).collect();
    DeviceSchedule::new(&periods, station.start, station.backoff)
}

impl LineTask {
    fn now(&self) -> Mono {
        self.hub.clock().now().mono
    }

    /// Waits until something is due or comes in.
    async fn wait(
        &mut self,
        due: Option<Duration>,
        requests: &mut mpsc::Receiver<Request>,
    ) -> Woken {
        // On a shared line devices only answer, so nobody is listened to.
        let speaker = self.stations.first_mut().filter(|_| self.line.is_none());
        let said = async {
            match speaker {
                Some(station) => station.driver.unasked(&mut self.said).await,
                None => std::future::pending().await,
            }
        };
        let due = async {
            match due {
                Some(due) => tokio::time::sleep(due).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            request = requests.recv() => Woken::Asked(request),
            () = said => Woken::Said,
            () = due => Woken::Due,
        }
    }

    fn heard_unasked(&mut self) {
        if let Some(station) = self.stations.first() {
            self.hub.said(&station.device, &mut self.said);
        }
    }

    async fn poll(&mut self, device: usize, group: usize, began: Mono) {
        let station = &mut self.stations[device];
        self.silent.remove(&station.device);
        self.readings.clear();
        let result = station.driver.poll(&mut self.line, group, &mut self.readings).await;
        let now = self.hub.clock().now();
        match result {
            Ok(()) => {
                let id = &self.stations[device].device;
                self.hub.polled(id, &mut self.readings, now.mono.since(began), now);
                self.heard(device, group, now.mono);
            }
            Err(error) => {
                self.failed(device, group, &error, now.mono);
                // Many lines share one thread, and what failed at once has waited for nothing.
                tokio::task::yield_now().await;
            }
        }
    }

    fn heard(&mut self, device: usize, group: usize, now: Mono) {
        let was_down = self.schedule.is_down(device);
        let failures = self.schedule.answered(device, group, now);
        if was_down {
            self.is_back(device, failures);
        }
    }

    /// Takes the answer to a write or a relinquish as a sign of life, if it is one.
    fn answered(&mut self, device: usize, answer: &Result<Readback, DeviceError>) {
        let talked = match answer {
            Ok(Readback::Sent) => false, // to all, and nobody answers
            Ok(Readback::Read(_) | Readback::Acknowledged) => true,
            Err(DeviceError::Refused { .. } | DeviceError::DeviceFailure { .. }) => true,
            Err(_) => false,
        };
        if !self.schedule.is_down(device) {
            return;
        }
        if talked {
            let failures = self.schedule.talked(device, self.now());
            self.is_back(device, failures);
        } else if let Err(error) = answer
            && error.recovery() == Recovery::DeviceDown
        {
            self.silent.insert(self.stations[device].device.clone(), error.clone());
        }
    }

    fn is_back(&self, device: usize, failures: u32) {
        let id = &self.stations[device].device;
        tracing::info!(device = %id, failures, "Device answers again");
        let text = format!("{id} answers again after {failures} failed polls");
        let zh = format!("{id} 恢复应答；此前有 {failures} 次轮询失败");
        self.hub.event(Event::new("device_up", text).zh(zh).device(id).with("failures", failures));
    }

    fn failed(&mut self, device: usize, group: usize, error: &DeviceError, now: Mono) {
        let station = &self.stations[device];
        let id = &station.device;
        if error.recovery() == Recovery::Answered {
            // The device talks: only what was asked for is bad.
            let points = &station.driver.groups()[group].points;
            self.hub.failed(id, Some(points), error);
            self.heard(device, group, now);
            return;
        }
        let was_down = self.schedule.is_down(device);
        self.schedule.failed(device, group, now, station.again);
        if !self.schedule.is_down(device) {
            return; // Asked again at once; nothing is known yet.
        }
        self.hub.failed(id, None, error);
        if !was_down {
            match error {
                DeviceError::BadReply(_) => {
                    tracing::warn!(device = %id, %error, "Device gives no answer that can be used");
                }
                _ => tracing::warn!(device = %id, %error, "Device does not answer"),
            }
            let (text, zh) = down(id, error);
            let event = Event::new("device_down", text).zh(zh).device(id);
            self.hub.event(event.with("reason", error.reason().code()));
        }
    }

    async fn serve(&mut self, request: Request) {
        match request {
            // Whoever asked gave up, and counts it as failed: it must not come true later.
            Request::Write(.., reply) | Request::Relinquish(.., reply) if reply.is_closed() => {}
            Request::Write(device, write, reply) => {
                let result = self.write(&device, &write).await;
                // The asker may have given up; the audit trail then has its time-out.
                let _ = reply.send(result);
            }
            Request::Relinquish(device, point, readback, reply) => {
                let result = self.relinquish(&device, point, readback).await;
                let _ = reply.send(result);
            }
            Request::Add(station) => {
                self.remove(&station.device);
                self.schedule.push(timetable(&station));
                self.stations.push(*station);
            }
            Request::Remove(device) => self.remove(&device),
        }
    }

    fn remove(&mut self, device: &DeviceId) {
        if let Some(i) = self.place(device) {
            self.stations.remove(i);
            self.schedule.remove(i);
            self.silent.remove(device);
        }
    }

    async fn write(&mut self, device: &DeviceId, w: &Write) -> Result<Readback, DeviceError> {
        let Some(i) = self.place(device) else { return Err(not_here(device)) };
        if let Some(error) = self.silent.get(device) {
            return Err(error.clone());
        }
        let result = self.stations[i].driver.write(&mut self.line, w).await;
        if let Ok(Readback::Read(outcome)) = &result {
            self.hub.read_back(device, w.point, outcome);
        }
        self.answered(i, &result);
        result
    }

    async fn relinquish(
        &mut self,
        device: &DeviceId,
        point: PointIndex,
        readback: bool,
    ) -> Result<Readback, DeviceError> {
        let Some(i) = self.place(device) else { return Err(not_here(device)) };
        if let Some(error) = self.silent.get(device) {
            return Err(error.clone());
        }
        let result = self.stations[i].driver.relinquish(&mut self.line, point, readback).await;
        self.answered(i, &result);
        result
    }

    fn place(&self, device: &DeviceId) -> Option<usize> {
        self.stations.iter().position(|s| s.device == *device)
    }
}

#[cfg(test)]
mod tests;
