use std::sync::{Arc, Mutex};
use wellhead_uplink::*;
/// A cache that forgets at the end.
#[derive(Default, Clone)]
pub struct MemoryCache(pub Arc<Mutex<Vec<(EntryId, Entry)>>>, pub Arc<Mutex<u64>>);
impl Cache for MemoryCache {
    fn append(&mut self, e: &[Entry]) -> Result<Appended, CacheError> {
        let mut n = self.1.lock().unwrap();
        let mut ids = vec![];
        for e in e { *n += 1; let id = EntryId{block:*n,index:0}; ids.push(id); self.0.lock().unwrap().push((id, e.clone())); }
        Ok(Appended{ids, gaps: vec![]})
    }
    fn read(&mut self, after: Option<EntryId>, max: usize) -> Result<Vec<(EntryId,Entry)>, CacheError> {
        let mut b = 0;
        Ok(self.0.lock().unwrap().iter().filter(|(i,_)| after.is_none_or(|a| *i > a)).take_while(|(_,e)| { b += e.payload.len(); b <= max || b == e.payload.len() }).cloned().collect())
    }
    fn remove(&mut self, ids: &[EntryId]) -> Result<(), CacheError> { self.0.lock().unwrap().retain(|(i,_)| !ids.contains(i)); Ok(()) }
    fn note_delivered(&mut self, _: &[Mark]) {}
    fn sync(&mut self) -> Result<(), CacheError> { Ok(()) }
    fn marks(&self) -> Vec<Mark> { vec![] }
    fn close(&mut self, _: bool) -> Result<(), CacheError> { Ok(()) }
    fn stats(&self) -> Stats { Stats::default() }
}
