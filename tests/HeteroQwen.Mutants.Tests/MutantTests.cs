using System.Collections.Immutable;
using HeteroQwen.Backends;
using HeteroQwen.Backends.Cpu;
using HeteroQwen.Ir;
using HeteroQwen.TestSupport;

namespace HeteroQwen.Mutants.Tests;

public sealed class MutantTests
{
    private static readonly Lazy<string[]> s_expected = new(() =>
    {
        using IDevice device = OpenCpu();
        return [.. Probe.All.Select(p => Run(device, p))];
    });

    // Faults of memory would spoil this process's heap: they are seen to fire in the workers of conform --mutants alone.
    public static TheoryData<string> OpFaults => [.. Catalogue.All
        .Where(m => m.Category is not (Category.Runtime or Category.Memory) && m.Mutant.Ops != "runtime").Select(m => m.Mutant.Name)];

    [Fact]
    public void Catalogue_has_enough_of_every_category_and_no_name_twice()
    {
        Assert.All(Enum.GetValues<Category>(), category => Assert.InRange(Catalogue.All.Count(m => m.Category == category), 8, 100));
        Assert.True(Catalogue.All.Length >= 60);
        Assert.Equal(Catalogue.All.Length, Catalogue.All.Select(m => m.Mutant.Name).Distinct().Count());
        Assert.All(Catalogue.All, m => Assert.Matches("^[a-z0-9]+(-[a-z0-9]+)*$", m.Mutant.Name));
        Assert.All(Catalogue.All, m => Assert.EndsWith(".", m.Mutant.Does, StringComparison.Ordinal));
    }

    [Fact]
    public void Every_mutant_names_ops_that_exist() => Assert.All(
        Catalogue.All.SelectMany(m => m.Mutant.Ops.Split(' ')), op => Assert.True(op == "runtime" || OpCatalog.TryGet(op, out _), op));

    [Fact]
    public void Devices_tell_category_ops_and_fault()
    {
        Assert.True(new MutantBackend().Devices(out ImmutableArray<DeviceInfo> devices).IsOk);
        Assert.Equal(Catalogue.All.Length, devices.Length);
        Assert.Equal(["arithmetic", "matmul linear", "A product leaves out the last k."], devices[0].Notes);
    }

    [Theory]
    [MemberData(nameof(OpFaults))]
    public void Fault_of_an_op_fires_and_changes_what_comes_out(string name)
    {
        MutantBackend backend = new();
        using IDevice device = Open(backend, name);
        string[] found = [.. Probe.All.Select(p => Run(device, p))];
        Assert.True(backend.Fired > 0, "it did not fire");
        Assert.NotEqual(s_expected.Value, found);
    }

    [Fact]
    public void Ops_that_a_mutant_does_not_concern_stay_as_they_are()
    {
        using IDevice device = Open(new MutantBackend(), "mask-sees-next");
        Assert.All(Probe.All.Index().Where(p => p.Item.Op is not Attention),
            p => Assert.Equal(s_expected.Value[p.Index], Run(device, p.Item)));
    }

    [Fact]
    public void Effect_leaves_a_file_in_the_folder_of_the_environment()
    {
        using TempFolder folder = new();
        try
        {
            Environment.SetEnvironmentVariable(MutantBackend.FiredVariable, folder.Path);
            using IDevice device = Open(new MutantBackend(), "sub-reversed");
            Assert.All(Probe.All.Where(p => p.Op is Linear), p => Run(device, p));
            Assert.False(File.Exists(folder.File("sub-reversed")));
            Assert.All(Probe.All.Where(p => p.Op is Binary), p => Run(device, p));
            Assert.True(File.Exists(folder.File("sub-reversed")));
        }
        finally
        {
            Environment.SetEnvironmentVariable(MutantBackend.FiredVariable, null);
        }
    }

    private static IDevice Open(MutantBackend backend, string name)
    {
        int index = Catalogue.All.Select(m => m.Mutant.Name).ToList().IndexOf(name);
        OpRunner.Check("open", backend.Open(index, new(("threads", 1L)), out IDevice? device));
        return device!;
    }

    private static IDevice OpenCpu()
    {
        OpRunner.Check("open", new CpuBackend().Open(0, new(("threads", 1L)), out IDevice? device));
        return device!;
    }

    /// <summary>The bits of the results, or what went wrong.</summary>
    private static string Run(IDevice device, Probe probe)
    {
        try
        {
            TestTensor[] results = OpRunner.Run(device, probe.Op, probe.Operands, probe.Attributes, probe.Bindings);
            return string.Join(' ', results.Select(r => Convert.ToHexString(r.Data)));
        }
        catch (Exception e) when (e is StatusException or InvalidOperationException)
        {
            return e.Message;
        }
    }
}
