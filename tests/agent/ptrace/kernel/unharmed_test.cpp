// Programs that do unusual things write and return what they do without us.
#include <gtest/gtest.h>

#include "tests/agent/ptrace/kernel/told.hpp"

namespace autotune::test {
namespace {

class Unharmed : public ::testing::Test {
protected:
    // C++ by the compiler that builds us would be heavy here: Python does all of it through libc.
    void compare(const std::string& program) {
        std::ofstream(folder_.path() + "/p.py") << program;
        const int alone = run(folder_, "/usr/bin/python3 p.py");
        const std::string out = text_of(folder_.path() + "/out");
        const int traced = run(folder_, tell("/usr/bin/python3 p.py"));
        EXPECT_EQ(traced, alone);
        EXPECT_EQ(text_of(folder_.path() + "/out"), out) << text_of(folder_.path() + "/err");
        for (const Line& line : told_in(folder_)) EXPECT_NE(line.words[0], "lost") << line.words[1];
    }
    SharedFolder folder_;
};

TEST_F(Unharmed, AThousandThreads) {
    compare(
        "import threading,os\n"
        "go=threading.Event(); done=[]\n"
        "def f(i):\n go.wait(); os.stat('/'); done.append(open('/dev/null','rb').read(1))\n"
        "threading.stack_size(65536)\n"
        "all=[threading.Thread(target=f,args=(i,)) for i in range(1000)]\n"
        "[t.start() for t in all]; go.set(); [t.join() for t in all]; print(len(done))\n");
}

TEST_F(Unharmed, ExecFromAThreadThatIsNotTheFirst) {
    compare(
        "import threading,os,time\n"
        "for _ in range(5): threading.Thread(target=time.sleep,args=(60,),daemon=True).start()\n"
        "t=threading.Thread(target=lambda: os.execvp('sh',['sh','-c','echo other; exit 5'])); t.start(); t.join()\n");
}

TEST_F(Unharmed, ForksVforksAndChildrenThatOutliveTheirParent) {
    compare(
        "import os,subprocess\n"
        "r,w=os.pipe()\n"
        "if os.fork()==0:\n"
        " if os.fork()==0: os.write(w,b'grandchild'); os._exit(1)\n"
        " os._exit(2)\n"
        "print(os.wait()[1], os.read(r,99))\n"
        "print([subprocess.run(['sh','-c','exit %d'%i]).returncode for i in range(20)])\n");
}

TEST_F(Unharmed, SignalsOfAllKinds) {
    compare(
        "import signal,os,time,sys\n"
        "n=[0]\n"
        "def h(*a): n[0]+=1\n"
        "for s in (signal.SIGUSR1,signal.SIGTRAP,signal.SIGALRM,signal.SIGTERM,signal.SIGCHLD): signal.signal(s,h)\n"
        "for s in (signal.SIGUSR1,signal.SIGTRAP,signal.SIGTERM): os.kill(os.getpid(),s)\n"
        "signal.setitimer(signal.ITIMER_REAL,0.01,0.01)\n"
        "r,w=os.pipe()\n"
        "while n[0]<20: signal.pause()\n"
        "signal.setitimer(signal.ITIMER_REAL,0)\n"
        "print('ok'); sys.stdout.flush()\n"
        "os.kill(os.getpid(),signal.SIGSEGV)\n");
}

TEST_F(Unharmed, StopsAndContinuesOfJobControl) {
    compare(
        "import os,signal\n"
        "r,w=os.pipe()\n"
        "p=os.fork()\n"
        "if p==0:\n os.kill(os.getpid(),signal.SIGSTOP); os.read(r,1); os._exit(9)\n"
        "print(os.WIFSTOPPED(os.waitpid(p,os.WUNTRACED)[1]))\n"
        "os.kill(p,signal.SIGCONT)\n"
        "print(os.WIFCONTINUED(os.waitpid(p,os.WCONTINUED)[1]))\n"
        "os.write(w,b'.')\n"
        "print(os.waitpid(p,0)[1])\n");
}

TEST_F(Unharmed, DeathInTheMiddleOfACall) {
    compare(
        "import os,signal,threading\n"
        "r,w=os.pipe()\n"
        "threading.Timer(0.05,lambda: os.kill(os.getpid(),signal.SIGKILL)).start()\n"
        "print('before',flush=True); os.read(r,1)\n");
}

TEST_F(Unharmed, JumpsOutOfASignalHandlerThatInterruptsACall) {
    // Only where it is caught, and once.
    compare(
        "import ctypes,os,signal\n"
        "class Gone(Exception): pass\n"
        "may=False\n"
        "def h(*a):\n"
        " global may\n"
        " if may: may=False; raise Gone\n"
        "signal.signal(signal.SIGALRM,h)\n"
        "r,w=os.pipe(); n=0\n"
        "for _ in range(10):\n"
        " try: may=True; signal.setitimer(signal.ITIMER_REAL,0.005,0.005); os.read(r,1)\n"
        " except Gone: n+=1\n"
        " signal.setitimer(signal.ITIMER_REAL,0)\n"
        "print(n)\n");
}

TEST_F(Unharmed, AChildThatAsksNotToBeTraced) {
    compare(
        "import ctypes,os\n"
        "libc=ctypes.CDLL(None,use_errno=True)\n"
        "CLONE_UNTRACED=0x800000; SIGCHLD=17\n"
        "p=libc.syscall(56 if os.uname().machine=='x86_64' else 220,CLONE_UNTRACED|SIGCHLD,0,0,0,0)\n"
        "if p==0:\n os.write(1,b'child\\n'); os._exit(4)\n"
        "print(os.waitpid(p,0)[1])\n");
}

TEST_F(Unharmed, CallsThatAreBegunAnewAfterAStop) {
    compare(
        "import os,signal,threading,time\n"
        "p=os.fork()\n"
        "if p==0:\n t=time.monotonic(); time.sleep(0.2); os._exit(time.monotonic()-t>=0.19)\n"
        "time.sleep(0.05); os.kill(p,signal.SIGSTOP); time.sleep(0.02); os.kill(p,signal.SIGCONT)\n"
        "print(os.waitpid(p,0)[1])\n");
}

}  // namespace
}  // namespace autotune::test
