//! An app's commands and views for other services: paths of an rpc server, and nothing that was not asked for.

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::app::App;
use crate::app::call::{Answer, Call, Rejected, failed, path_of};
use crate::domain::{Aggregate, Command};
use crate::error::{Error, ErrorKind, Result};
use crate::muon::protocol::rpc::{Request, Response, RpcServer};
use crate::projection::{Access, Projection, Viewed};
use crate::repository::{Caller, ExecuteError};

type Authenticate = Arc<dyn Fn(&Request) -> Result<Caller> + Send + Sync>;

/// What an app lets other services do.
///
/// What a caller shows as `auth` says who it is once [`authenticate`](Self::authenticate) has looked at it; until then nobody is known, and
/// a [`Middleware`](crate::bus::Middleware) that asks for an actor refuses.
#[must_use = "serve what `into_rpc` gives"]
pub struct Expose {
    app: App,
    authenticate: Authenticate,
    paths: Vec<Endpoint>,
    wrong: Option<Error>,
}

struct Endpoint {
    path: String,
    doc: String,
    handler: Handler,
}

type Handler = Arc<dyn Fn(Caller, Request) -> BoxFuture<'static, Result<Response>> + Send + Sync>;

impl App {
    /// Begins to let other services in, to what is named in the following.
    pub fn expose(&self) -> Expose {
        let authenticate: Authenticate = Arc::new(|_| Ok(Caller::new()));
        Expose { app: self.clone(), authenticate, paths: Vec::new(), wrong: None }
    }
}

impl Expose {
    /// Finds out who calls from what the request shows as `auth`: the actor and the tenant of the caller are what middleware
    /// and events get to see. `origin` is the calling service's name, which it gives itself: something to note, no proof. An error
    /// refuses the request; [`Forbidden`](ErrorKind::Forbidden) is its kind.
    pub fn authenticate(
        self,
        authenticate: impl Fn(&Request) -> Result<Caller> + Send + Sync + 'static,
    ) -> Self {
        Self { authenticate: Arc::new(authenticate), ..self }
    }

    /// The commands of an aggregate, each at `/commands/{name}`. Its rejections travel as they are, so they must have a JSON form,
    /// which those that derive `Rejection` have.
    pub fn commands<A: Aggregate>(mut self) -> Self
    where
        A::Rejection: Serialize + DeserializeOwned,
    {
        self.check(|app| app.repository::<A>().map(|_| ()));
        for (index, command) in A::Command::TYPES.iter().enumerate() {
            let app = self.app.clone();
            let handler: Handler = Arc::new(move |caller, request| {
                let app = app.clone();
                Box::pin(async move { Ok(execute::<A>(&app, index, caller, &request).await.into_response()) })
            });
            let doc = format!("The command {} of {}", command.rust_name, A::DOMAIN);
            self.paths.push(Endpoint { path: path_of(command.name), doc, handler });
        }
        self
    }

    /// A question to a projection, at a path: `answer` gets access to its data, who asks, and what is asked.
    pub fn view<P, Q, T, F>(
        mut self,
        path: &str,
        doc: &str,
        answer: impl Fn(Access<P>, Caller, Q) -> F + Send + Sync + 'static,
    ) -> Self
    where
        P: Projection,
        P::Context<'static>: Viewed<P>,
        Access<P>: Send,
        Q: DeserializeOwned,
        T: Serialize,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        self.check(|app| app.view::<P>().map(|_| ()));
        let app = self.app.clone();
        let handler: Handler = Arc::new(move |caller, request| {
            let asked = app.view::<P>().and_then(|view| Ok(answer(view, caller, request.json()?)));
            Box::pin(async move { Ok(Response::json(&asked?.await?)) })
        });
        self.paths.push(Endpoint { path: path.to_owned(), doc: doc.to_owned(), handler });
        self
    }

    /// The paths, to be served by an instance of Muon, along with others if need be.
    ///
    /// # Errors
    /// [`Configuration`](ErrorKind::Configuration) where a type is not in the app's registry, or a path is given twice.
    pub fn into_rpc(self) -> Result<RpcServer> {
        if let Some(error) = self.wrong {
            return Err(error);
        }
        let mut paths: Vec<_> = self.paths.iter().map(|path| &path.path).collect();
        paths.sort_unstable();
        if let Some(twice) = paths.windows(2).find(|pair| pair[0] == pair[1]) {
            let message = "two things have the same path; give one of them another";
            return Err(Error::new(ErrorKind::Configuration, "expose", message).with("path", twice[0]));
        }
        Ok(self.paths.into_iter().fold(RpcServer::new(), |server, Endpoint { path, doc, handler }| {
            let authenticate = self.authenticate.clone();
            server.path(&path, &doc, move |request| answer(&authenticate, &handler, request))
        }))
    }

    fn check(&mut self, check: impl FnOnce(&App) -> Result<()>) {
        if let Err(error) = check(&self.app) {
            self.wrong.get_or_insert(error);
        }
    }
}

impl fmt::Debug for Expose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let paths: Vec<_> = self.paths.iter().map(|path| &path.path).collect();
        f.debug_struct("Expose").field("paths", &paths).finish()
    }
}

/// Every error goes to the caller with its kind.
fn answer(
    authenticate: &Authenticate,
    handler: &Handler,
    request: Request,
) -> impl Future<Output = Result<Response>> + Send + use<> {
    let answer = authenticate(&request).map(|caller| handler(caller, request));
    async move {
        let answer = match answer {
            Ok(answer) => answer.await,
            Err(error) => Err(error),
        };
        Ok(answer.unwrap_or_else(|error| failed(&error)))
    }
}

async fn execute<A: Aggregate>(app: &App, index: usize, caller: Caller, request: &Request) -> Answer
where
    A::Rejection: Serialize,
{
    let (call, command) = match read::<A>(index, request) {
        Ok(read) => read,
        Err(error) => return Answer::Failed(error),
    };
    let mut extra = call.extra;
    extra.extend(caller.extra);
    let caller = Caller { correlation_id: call.correlation_id, cause: call.cause, extra, ..caller };
    let mut execute = app.with(caller).execute(call.id, command);
    if let Some(id) = call.command_id {
        execute = execute.command_id(id);
    }
    if let Some(version) = call.expected {
        execute = execute.expected(version);
    }
    match execute.await {
        Ok(receipt) => Answer::Done(receipt),
        Err(ExecuteError::Failed(error)) => Answer::Failed(error),
        Err(ExecuteError::Rejected(rejection)) => match serde_json::value::to_raw_value(&rejection) {
            Ok(json) => Answer::Rejected(Rejected { message: rejection.to_string(), rejection: json }),
            Err(error) => {
                let message = format!("the rejection `{rejection}` has no JSON form");
                Answer::Failed(Error::new(ErrorKind::Internal, "execute", message).caused_by(error))
            }
        },
    }
}

fn read<A: Aggregate>(index: usize, request: &Request) -> Result<(Call, A::Command)> {
    let call: Call = request.json()?;
    let command = A::Command::decode(index, call.payload.get().as_bytes()).map_err(|error| {
        let name = A::Command::TYPES[index].rust_name;
        let message = format!("the payload does not fit `{name}`; send the fields it has: {error}");
        Error::new(ErrorKind::Decode, "execute", message)
    })?;
    Ok((call, command))
}
