//! stand-in
use bytes::Bytes; use std::sync::Arc;
#[derive(Debug,Clone,PartialEq)] pub struct Entry { pub stream: Arc<str>, pub boot: Arc<str>, pub seq: u64, pub samples: u32, pub time_ms: i64, pub payload: Bytes }
#[derive(Debug,Clone,Copy,PartialEq,Eq,PartialOrd,Ord,Hash)] pub struct EntryId{pub block:u64,pub index:u32}
#[derive(Debug,Clone,PartialEq,Eq)] pub struct Gap{pub stream:Arc<str>,pub boot:Arc<str>,pub first:u64,pub last:u64,pub samples:u64}
#[derive(Debug,Clone,Default)] pub struct Appended{pub ids:Vec<EntryId>,pub gaps:Vec<Gap>}
#[derive(Debug,Clone,PartialEq,Eq)] pub struct Mark{pub stream:Arc<str>,pub boot:Arc<str>,pub seq:u64}
#[derive(Debug,Clone,Default)] pub struct Stats{pub entries:u64}
#[derive(Debug,thiserror::Error)] pub enum CacheError{#[error("{0}")] Other(String)}
pub trait Cache: Send {
 fn append(&mut self,e:&[Entry])->Result<Appended,CacheError>;
 fn read(&mut self, after: Option<EntryId>, bytes_max:usize)->Result<Vec<(EntryId,Entry)>,CacheError>;
 fn remove(&mut self,ids:&[EntryId])->Result<(),CacheError>;
 fn note_delivered(&mut self,m:&[Mark]);
 fn sync(&mut self)->Result<(),CacheError>;
 fn marks(&self)->Vec<Mark>;
 fn close(&mut self,clean:bool)->Result<(),CacheError>;
 fn stats(&self)->Stats;
}
