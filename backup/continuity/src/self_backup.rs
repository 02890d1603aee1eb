//! The appliance saves itself.
