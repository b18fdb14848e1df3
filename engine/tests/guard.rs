//! Guarded programs and user namespaces, which take a program of their own: guards run the program that started them, and a
//! process with threads cannot enter a user namespace. So this test has its own main, and runs itself in several parts.

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("skipped: guard: hosts are namespaces of Linux");
}

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    linux::main()
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs;
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::Ipv4Addr;
    use std::os::unix::process::CommandExt;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::path::Path;
    use std::process::{Child, Command, ExitCode, Stdio};
    use std::time::{Duration, Instant};

    use burstlab_engine::hosts::{
        Guarded, HostError, HostPlan, Hosts, How, Plan, Process, RouteOptions, Subnet, clean, doctor,
        enter_user_namespace, guard_main, leftovers, ready,
    };

    /// Long enough for a loaded machine, and never waited for in full unless something is wrong.
    const PATIENCE: Duration = Duration::from_secs(20);
    /// A user without rights: nobody, by convention.
    const NOBODY: u32 = 65_534;

    type Test = (&'static str, fn(&Hosts));

    const TESTS: [Test; 9] = [
        ("a_program_sees_the_hosts_network_and_its_own_processes", a_program_sees_the_hosts_network),
        ("the_programs_exit_code_is_the_processs", the_programs_exit_code_is_the_processs),
        ("environment_and_directory_reach_the_program", environment_and_directory_reach_the_program),
        ("a_program_is_told_to_end_before_it_is_killed", a_program_is_told_to_end_before_it_is_killed),
        ("children_that_left_their_session_end_with_the_program", children_end_with_the_program),
        ("a_dropped_process_takes_its_children_along", a_dropped_process_takes_its_children_along),
        ("orphans_are_reaped", orphans_are_reaped),
        ("signals_are_passed_on", signals_are_passed_on),
        ("a_program_that_cannot_start_says_so", a_program_that_cannot_start_says_so),
    ];

    pub fn main() -> ExitCode {
        let mut args = std::env::args_os().skip(1).peekable();
        match args.next().as_deref().and_then(|first| first.to_str()) {
            // Alone, it is a filter for cargo test.
            Some("guard") if args.peek().is_some() => guard_main(args),
            Some("part-hosts") => run(&TESTS),
            Some("part-victim") => victim(),
            Some("part-doctor") => examine(),
            Some("part-terminal") => terminal(),
            _ => all(),
        }
    }

    /// Everything, as the user that this is and, if that is root, without root too.
    fn all() -> ExitCode {
        let how = match ready() {
            Ok(how) => how,
            Err(error) => {
                println!("skipped: guard: {error}");
                return ExitCode::SUCCESS;
            }
        };
        let mut users = vec![None];
        if how == How::Root {
            users.push(Some(NOBODY));
        }
        let mut good = true;
        for user in users {
            for part in ["hosts", "doctor"] {
                println!("{part}{}:", if user.is_some() { ", as nobody" } else { "" });
                good &= itself(part, user).status().is_ok_and(|status| status.success());
            }
        }
        println!("terminal and kill:");
        good &= check("a_shell_has_job_control_and_gives_the_terminal_back", a_shell_has_job_control);
        good &= check("a_killed_run_leaves_no_process_and_its_names_are_cleaned", a_killed_run_leaves_nothing);
        if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    /// This program again. /proc/self/exe also works for a user who may not enter the directory that it is in.
    fn itself(part: &str, user: Option<u32>) -> Command {
        let mut command = Command::new("/proc/self/exe");
        command.arg(format!("part-{part}"));
        if let Some(user) = user {
            command.uid(user).gid(user).current_dir("/");
        }
        command
    }

    fn run(tests: &[Test]) -> ExitCode {
        let hosts = match become_able().and_then(|()| Hosts::make(&plan("guard", true))) {
            Ok(hosts) => hosts,
            Err(error) => {
                println!("skipped: guard: {error}");
                return ExitCode::SUCCESS;
            }
        };
        let good = tests.iter().fold(true, |good, (name, test)| check(name, || test(&hosts)) && good);
        if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    fn become_able() -> Result<(), HostError> {
        match ready()? {
            How::Root => Ok(()),
            How::UserNamespace => enter_user_namespace(),
        }
    }

    fn check(name: &str, test: impl FnOnce()) -> bool {
        let good = catch_unwind(AssertUnwindSafe(test)).is_ok();
        println!("test {name} ... {}", if good { "ok" } else { "FAILED" });
        good
    }

    fn plan(name: &str, named: bool) -> Plan {
        let host = HostPlan {
            name: "host0".into(),
            address: Ipv4Addr::new(10, 77, 0, 1),
            stack: None,
            mtu: 1500,
            route: RouteOptions::default(),
            sysctls: vec![],
        };
        let network = Subnet { address: Ipv4Addr::new(10, 77, 0, 0), prefix: 16 };
        Plan { name: format!("test-{name}-{}", std::process::id()), named, network, hosts: vec![host] }
    }

    fn shell(script: &str) -> Guarded {
        Guarded { args: vec!["-c".into(), script.into()], stdout: Stdio::piped(), ..Guarded::new("sh") }
    }

    fn start(hosts: &Hosts, script: &str) -> Process {
        hosts.get(0).unwrap().spawn(shell(script)).unwrap()
    }

    fn output(process: &mut Process) -> String {
        let mut text = String::new();
        process.take_stdout().unwrap().read_to_string(&mut text).unwrap();
        text
    }

    fn first_line(process: &mut Process) -> String {
        let mut line = String::new();
        BufReader::new(process.take_stdout().unwrap()).read_line(&mut line).unwrap();
        line.trim().to_owned()
    }

    /// A mark on a command line that no other process has.
    fn mark(test: &str) -> String {
        format!("burstlab-{test}-{}", std::process::id())
    }

    fn processes_with(mark: &str) -> usize {
        let entries = fs::read_dir("/proc").unwrap().flatten();
        // A dead process that was not waited for has an empty command line.
        let lines = entries.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
        lines.filter(|line| String::from_utf8_lossy(line).contains(mark)).count()
    }

    fn wait_until(what: &str, condition: impl Fn() -> bool) {
        let end = Instant::now() + PATIENCE;
        while !condition() {
            assert!(Instant::now() < end, "{what} within {PATIENCE:?}");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn a_program_sees_the_hosts_network(hosts: &Hosts) {
        let mut process = start(hosts, "cat /proc/net/dev /proc/net/route; ls /sys/class/net; echo pid $$");
        let text = output(&mut process);
        assert!(process.wait().unwrap().success());
        assert!(text.contains("link:") && text.contains("00004D0A") && !text.contains("eth0"), "{text}");
        // Processes 1 and 2 of the namespace are the guard and the shell.
        assert!(text.contains("pid 2\n"), "{text}");
    }

    fn the_programs_exit_code_is_the_processs(hosts: &Hosts) {
        for (script, code) in [("exit 0", 0), ("exit 7", 7), ("kill -KILL $$", 128 + 9), ("kill -TERM $$", 128 + 15)] {
            assert_eq!(start(hosts, script).wait().unwrap().code(), Some(code), "{script}");
        }
    }

    fn environment_and_directory_reach_the_program(hosts: &Hosts) {
        let program = Guarded {
            env: vec![("GREETING".into(), "hello there".into())],
            cwd: Some("/usr".into()),
            stdin: Stdio::piped(),
            ..shell("echo $GREETING from $(pwd); cat")
        };
        let mut process = hosts.get(0).unwrap().spawn(program).unwrap();
        process.take_stdin().unwrap().write_all(b"and more").unwrap();
        assert_eq!(output(&mut process), "hello there from /usr\nand more");
    }

    fn a_program_is_told_to_end_before_it_is_killed(hosts: &Hosts) {
        let mut polite = start(hosts, "trap 'exit 3' TERM; echo ready; while :; do sleep 0.01; done");
        assert_eq!(first_line(&mut polite), "ready");
        assert_eq!(polite.stop(PATIENCE).unwrap().code(), Some(3));
        let mut deaf = start(hosts, "trap '' TERM; echo ready; while :; do sleep 0.01; done");
        assert_eq!(first_line(&mut deaf), "ready");
        assert_eq!(deaf.stop(Duration::from_millis(50)).unwrap().code(), Some(128 + 9));
    }

    fn children_end_with_the_program(hosts: &Hosts) {
        let mark = mark("stray");
        let mut process = start(hosts, &format!("setsid sh -c 'sleep 1000; : {mark}' & exec true"));
        assert!(process.wait().unwrap().success());
        assert_eq!(processes_with(&mark), 0);
    }

    fn a_dropped_process_takes_its_children_along(hosts: &Hosts) {
        let mark = mark("dropped");
        let mut process = start(hosts, &format!("setsid sh -c 'echo ready; sleep 1000; : {mark}' & wait"));
        assert_eq!(first_line(&mut process), "ready");
        assert!(processes_with(&mark) > 0);
        drop(process);
        assert_eq!(processes_with(&mark), 0);
    }

    fn orphans_are_reaped(hosts: &Hosts) {
        // The inner shell ends before its child, which then becomes that of the guard.
        let script = "sh -c 'sleep 0.05 & exit'; while pidof sleep >/dev/null; do :; done; sleep 0.2; \
                      cat /proc/[0-9]*/stat | grep -c ' Z '";
        let mut process = start(hosts, script);
        assert_eq!(output(&mut process), "0\n");
    }

    fn signals_are_passed_on(hosts: &Hosts) {
        let mut process = start(hosts, "trap 'exit 5' INT; echo ready; while :; do sleep 0.01; done");
        assert_eq!(first_line(&mut process), "ready");
        process.interrupt().unwrap();
        assert_eq!(process.wait().unwrap().code(), Some(5));
        process.interrupt().expect("to interrupt what has ended is no error");
    }

    fn a_program_that_cannot_start_says_so(hosts: &Hosts) {
        let host = hosts.get(0).unwrap();
        let error = |program: &str| host.spawn(Guarded::new(program)).err().unwrap().to_string();
        assert!(error("no-such-program").contains("no-such-program is not found"));
        assert!(error("/etc/passwd").contains("not executable"));
    }

    fn examine() -> ExitCode {
        let examination = doctor::examine();
        for finding in &examination.findings {
            let remedy = finding.remedy.as_deref().map_or(String::new(), |remedy| format!("; {remedy}"));
            println!("  {:?} {}: {}{remedy}", finding.state, finding.what, finding.sentence);
        }
        ExitCode::SUCCESS
    }

    /// A shell that has this process's terminal.
    fn terminal() -> ExitCode {
        let Ok(hosts) = become_able().and_then(|()| Hosts::make(&plan("terminal", false))) else {
            return ExitCode::FAILURE;
        };
        let args = ["--norc", "--noediting", "-i"].map(Into::into).to_vec();
        let program = Guarded { args, terminal: true, stdin: Stdio::inherit(), ..Guarded::new("bash") };
        let code = hosts.get(0).unwrap().spawn(program).unwrap().wait().unwrap().code();
        let foreground = nix::unistd::tcgetpgrp(std::io::stdin()).unwrap() == nix::unistd::getpgrp();
        println!("code {code:?}, in the foreground: {foreground}");
        ExitCode::SUCCESS
    }

    fn a_shell_has_job_control() {
        // script(1) makes a terminal.
        for tool in ["script", "bash"] {
            if Command::new(tool).arg("--version").output().is_err() {
                return println!("skipped: a shell with job control: there is no {tool}");
            }
        }
        let command = format!("'{}' part-terminal", std::env::current_exe().unwrap().display());
        let mut script = Command::new("script")
            .args(["--quiet", "--flush", "--command", &command, "/dev/null"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = "sh -c 'kill -STOP $$; echo went on'\njobs\nfg\nps -o comm= -p 1\nexit 5\n";
        script.stdin.as_mut().unwrap().write_all(lines.as_bytes()).unwrap();
        let mut text = String::new();
        script.stdout.take().unwrap().read_to_string(&mut text).unwrap();
        script.wait().unwrap();
        assert!(!text.contains("no job control"), "{text}");
        assert!(text.contains("Stopped") && text.contains("\nwent on"), "{text}");
        assert!(text.contains("code Some(5), in the foreground: true"), "{text}");
    }

    /// A run that is going to be killed: a named host with a program whose child left its session.
    fn victim() -> ExitCode {
        let named = Hosts::names_available();
        let plan = plan("victim", named);
        let Ok(hosts) = become_able().and_then(|()| Hosts::make(&plan)) else { return ExitCode::FAILURE };
        let script = format!("setsid sh -c 'echo ready; sleep 1000; : {}' & wait", mark("killed"));
        let mut process = start(&hosts, &script);
        println!("{}", first_line(&mut process));
        let _ = process.wait();
        ExitCode::FAILURE
    }

    fn a_killed_run_leaves_nothing() {
        let mut victim: Child = itself("victim", None).stdout(Stdio::piped()).spawn().unwrap();
        let (mark, run) = (format!("burstlab-killed-{}", victim.id()), format!("test-victim-{}", victim.id()));
        let mut line = String::new();
        BufReader::new(victim.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        assert!(processes_with(&mark) > 0);
        let place = Path::new("/run/netns").join(format!("{run}-host0"));
        let named = Hosts::names_available();
        assert_eq!(place.exists(), named);

        // SIGKILL.
        victim.kill().unwrap();
        victim.wait().unwrap();
        wait_until("all processes end", || processes_with(&mark) == 0);
        if named {
            assert!(leftovers().iter().any(|left| left.run == run));
            clean().unwrap();
            assert!(!place.exists() && !leftovers().iter().any(|left| left.run == run));
        } else {
            println!("skipped: names of a killed run: namespaces cannot get names here");
        }
    }
}
