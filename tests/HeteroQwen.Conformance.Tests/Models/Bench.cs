using HeteroQwen.Backends;
using HeteroQwen.Backends.Cpu;
using HeteroQwen.Backends.Reference;
using HeteroQwen.Ir;
using HeteroQwen.Runtime;

namespace HeteroQwen.Conformance.Tests;

/// <summary>A backend under test, open, with the host behind it.</summary>
internal sealed class Bench : IDisposable
{
    public Bench(IBackend backend)
    {
        IBackend host = backend is CpuBackend ? new ReferenceBackend() : new CpuBackend();
        Context = new CaseContext(backend, Device.Open(backend, 0, Attributes.Empty), Device.Open(host, 0, Attributes.Empty), Seed: 1);
    }

    public CaseContext Context { get; }

    public void Dispose()
    {
        Context.Device.Dispose();
        Context.Host.Dispose();
    }
}
