using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Runtime.Loader;
using HeteroQwen.Ir;
using HeteroQwen.TestSupport;

namespace HeteroQwen.Backends.Tests;

public sealed class PluginLoaderTests : IDisposable
{
    private static readonly string s_toys = Path.Combine(AppContext.BaseDirectory, "plugins", "HeteroQwen.ToyBackends.dll");

    private readonly TempFolder _folder = new();

    [Fact]
    public void Load_finds_the_one_backend_and_isolates_it()
    {
        IBackend backend = PluginLoader.Load(s_toys);
        Assert.Equal("matmulonly", backend.Name);
        Assert.NotSame(AssemblyLoadContext.Default, AssemblyLoadContext.GetLoadContext(backend.GetType().Assembly));
        Assert.True(backend.Devices(out ImmutableArray<DeviceInfo> devices).IsOk);
        Assert.Equal(0, Assert.Single(devices).Index);
        Assert.True(backend.Open(0, Attributes.Empty, out IDevice? device).IsOk);
        device!.Dispose();
    }

    [Fact]
    public void Load_twice_gives_two_contexts() =>
        Assert.NotEqual(PluginLoader.Load(s_toys).GetType(), PluginLoader.Load(s_toys).GetType());

    [Fact]
    public void Load_of_several_backends_wants_a_class()
    {
        string path = EmittedPlugin.Write(_folder.Path, "one", "two");
        MustRefuse(path, "One, Two", $"{path}#One");
        Assert.Equal("two", PluginLoader.Load(path + "#Two").Name);
        MustRefuse(path + "#Three", "no backend Three", "One, Two");
    }

    [Fact]
    public void Load_takes_a_path_with_a_hash()
    {
        string path = _folder.File("a#b.dll");
        File.Copy(EmittedPlugin.Write(_folder.Path, "one"), path);
        Assert.Equal("one", PluginLoader.Load(path).Name);
    }

    [Fact]
    public void Load_refuses_what_is_no_assembly()
    {
        MustRefuse(_folder.File("none.dll"), "no such file");
        MustRefuse(_folder.Path, "a folder");
        MustRefuse(_folder.Write("text.dll", "This is a text."), "no .NET assembly");
        MustRefuse(_folder.Write("empty.dll", ""), "no .NET assembly");
        string native = Path.Combine(
            RuntimeEnvironment.GetRuntimeDirectory(), OperatingSystem.IsWindows() ? "coreclr.dll" : "libcoreclr.so");
        MustRefuse(native, "no .NET assembly");
    }

    [Fact]
    public void Load_refuses_a_truncated_assembly_wherever_it_ends()
    {
        byte[] whole = File.ReadAllBytes(s_toys);
        string path = _folder.File("part.dll");
        for (int parts = 0; parts < 16; parts++)
        {
            File.WriteAllBytes(path, whole[..(whole.Length * parts / 16)]);
            MustRefuse(path, $"--plugin {path}: ");
        }
    }

    [Fact]
    public void Load_refuses_an_assembly_without_a_backend() => MustRefuse(typeof(Graph).Assembly.Location, "no backend in it");

    [Fact]
    public void Load_refuses_another_contract()
    {
        string path = EmittedPlugin.Write(_folder.Path, "one");
        MustRefuse(EmittedPlugin.Rereference(path, "HeteroQwen.Backends", new Version(9, 0)), "version 9.0", "build it against");
    }

    [Fact]
    public void Load_refuses_what_misses_an_assembly()
    {
        string path = _folder.File("toys.dll");
        File.Copy(s_toys, path);
        MustRefuse(
            EmittedPlugin.Rereference(path, "System.Collections.Immutable", initial: 'X'), "Xystem.Collections.Immutable", "not beside it");
    }

    [Fact]
    public void Load_tells_what_a_constructor_throws() =>
        MustRefuse(
            EmittedPlugin.WriteThrowing(_folder.Path, "no driver\nhere"), "cannot be made", "InvalidOperationException: no driver here");

    [Fact]
    public void Load_refuses_a_name_that_no_option_could_hold() => MustRefuse(EmittedPlugin.Write(_folder.Path, "a:b"), "'a:b'");

    public void Dispose() => _folder.Dispose();

    private static void MustRefuse(string plugin, params string[] parts)
    {
        string sentence = Assert.Throws<UserErrorException>(() => PluginLoader.Load(plugin)).Message;
        Assert.DoesNotContain('\n', sentence);
        Assert.All(parts, part => Assert.Contains(part, sentence, StringComparison.Ordinal));
    }
}
