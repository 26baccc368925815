using System.Runtime.InteropServices;
using HeteroQwen.Backends.Cpu;
using HeteroQwen.Backends.Reference;
using HeteroQwen.Conformance;
using HeteroQwen.Conformance.TestWorker;
using HeteroQwen.Ir;
using HeteroQwen.Runtime;

// A worker whose cases do what cases do at their worst. With an argument it ends before it answers anything.
if (args.Length > 0)
{
    Console.Error.WriteLine("the driver is missing");
    return 9;
}

CpuBackend backend = new();
using Device device = Device.Open(backend, 0, Attributes.Empty);
using Device host = Device.Open(new ReferenceBackend(), 0, Attributes.Empty);
Stream answers = Console.OpenStandardOutput();
Console.SetOut(Console.Error);
ConformanceCase[] cases =
[
    new ScriptedCase("runtime/pass", id => new CaseResult(id, CaseStatus.Pass, null)
    {
        Metrics = new CaseMetrics(double.NaN, double.PositiveInfinity, 2.5, -1, "a \"bound\""),
        Errors = new ErrorMap(1, 2, [0.5f, float.PositiveInfinity]),
    }),
    new ScriptedCase("runtime/fail", id => new CaseResult(id, CaseStatus.Fail, "wrong, <b>\n\"quoted\"")),
    new ScriptedCase("runtime/throw", _ => throw new InvalidOperationException("as no case should")),
    new ScriptedCase("runtime/abort", _ => throw Abort()),
    new ScriptedCase("runtime/exit", _ => throw Exit()),
    new ScriptedCase("runtime/sleep", _ =>
    {
        Thread.Sleep(Timeout.Infinite);
        throw new InvalidOperationException();
    }),
    new ScriptedCase("runtime/noise", id =>
    {
        answers.Write("a driver speaks\n"u8);
        return new CaseResult(id, CaseStatus.Pass, null);
    }),
    new ScriptedCase("runtime/lie", id =>
    {
        answers.Write("{\"id\":\"runtime/another\"}\n"u8);
        return new CaseResult(id, CaseStatus.Pass, null);
    }),
    new ScriptedCase("runtime/last", id => new CaseResult(id, CaseStatus.Pass, null)),
];
SuiteOptions options = new(Profile.Quick, SuiteOptions.BothPrecisions, 1, null);
new Worker(new CaseContext(backend, device, host, 1), options, cases).Serve(Console.In, answers);
return 0;

static Exception Abort()
{
    Console.Error.WriteLine("double free");
    Native.abort();
    return new InvalidOperationException();
}

static Exception Exit()
{
    Environment.Exit(7);
    return new InvalidOperationException();
}

internal static partial class Native
{
    [LibraryImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    internal static partial void abort();
}
