using System.Reflection;
using System.Runtime.Loader;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends;

/// <summary>
/// Where a plug-in's assemblies are loaded: its own, from beside it, apart from the host's and from those of other plug-ins. The contract
/// and the IR are the host's, so that both sides mean the same types. Never unloaded: handles of it may outlive any moment that the
/// host could know.
/// </summary>
internal sealed class PluginContext(string path) : AssemblyLoadContext($"plug-in {path}")
{
    private static readonly Assembly[] s_shared = [typeof(IBackend).Assembly, typeof(OpDefinition).Assembly];

    private readonly AssemblyDependencyResolver _resolver = new(path);

    protected override Assembly? Load(AssemblyName assemblyName) =>
        s_shared.FirstOrDefault(a => a.GetName().Name == assemblyName.Name)
        ?? (_resolver.ResolveAssemblyToPath(assemblyName) is { } own ? LoadFromAssemblyPath(own) : null);

    protected override nint LoadUnmanagedDll(string unmanagedDllName) =>
        _resolver.ResolveUnmanagedDllToPath(unmanagedDllName) is { } own ? LoadUnmanagedDllFromPath(own) : 0;
}
