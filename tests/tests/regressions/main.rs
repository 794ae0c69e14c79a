//! Defects that other systems shipped, each as a scenario that this bus survives.

mod bounds;
mod brake;
mod config;
mod dead;
mod gaps;
mod health;
mod keys;
mod order;
mod outage;
mod poison;
mod publishing;
mod rebalance;
mod registration;
mod remade;
mod shutdown;
mod signals;
mod step;
mod stop;
mod stuck;
