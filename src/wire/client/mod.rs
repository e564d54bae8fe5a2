//! The protocols of clients: what they send is read into the neutral model, and answers are written as they expect.
