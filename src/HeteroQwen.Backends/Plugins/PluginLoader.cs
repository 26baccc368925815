using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends;

/// <summary>Loads a backend that is written in C#: a .NET assembly with a public class that implements <see cref="IBackend"/> and has a
/// public constructor without parameters.</summary>
public static class PluginLoader
{
    private const string NoAssembly =
        "this is no .NET assembly, or only a part of one; build the plug-in again and give the path of its .dll";

    private static readonly AssemblyName s_contract = typeof(IBackend).Assembly.GetName();

    /// <summary>Loads the backend of a plug-in.</summary>
    /// <param name="plugin">Path of the assembly; <c>PATH#CLASS</c> where it has several backends.</param>
    /// <exception cref="UserErrorException">It cannot be loaded; the message says why in one sentence.</exception>
    public static IBackend Load(string plugin)
    {
        ArgumentNullException.ThrowIfNull(plugin);
        (string path, string? wanted) = Split(plugin);
        CheckFile(path);
        return Create(path, Pick(path, Backends(path), wanted));
    }

    private static (string Path, string? Class) Split(string plugin)
    {
        int at = plugin.LastIndexOf('#');
        return at <= 0 || File.Exists(plugin) ? (plugin, null) : (plugin[..at], plugin[(at + 1)..]);
    }

    /// <summary>Looks at the file without running any of it.</summary>
    private static void CheckFile(string path)
    {
        if (!File.Exists(path))
        {
            throw Refusal(path, Directory.Exists(path)
                ? "this is a folder; give the plug-in's .dll inside"
                : "there is no such file; give the path of the plug-in's .dll");
        }

        try
        {
            using FileStream file = File.OpenRead(path);
            using PEReader image = new(file);
            if (!image.HasMetadata || !image.GetMetadataReader().IsAssembly)
            {
                throw Refusal(path, NoAssembly);
            }

            CheckContract(path, image.GetMetadataReader());
        }
        catch (BadImageFormatException)
        {
            throw Refusal(path, NoAssembly);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Refusal(path, $"the file cannot be read ({OneLine(e)})");
        }
    }

    /// <summary>The contract that the plug-in was built against must be one that this host keeps: the same major version (before 1.0: and
    /// minor), and not a later one.</summary>
    private static void CheckContract(string path, MetadataReader metadata)
    {
        Version? built = metadata.AssemblyReferences.Select(metadata.GetAssemblyReference)
            .Where(r => metadata.GetString(r.Name) == s_contract.Name).Select(r => r.Version).FirstOrDefault();
        Version here = s_contract.Version!;
        if (built is null)
        {
            throw Refusal(path, $"there is no backend in it, since it does not refer to {s_contract.Name}");
        }

        if (built.Major != here.Major || (here.Major == 0 && built.Minor != here.Minor) || built > here)
        {
            throw Refusal(path, $"it was built against version {built} of the contract and this is {here}; build it against {here}");
        }
    }

    private static Type[] Backends(string path)
    {
        try
        {
            PluginContext context = new(Path.GetFullPath(path));
            Assembly assembly = context.LoadFromAssemblyPath(Path.GetFullPath(path));
            foreach (AssemblyName reference in assembly.GetReferencedAssemblies())
            {
                // Now, not in the middle of a run.
                context.LoadFromAssemblyName(reference);
            }

            return [.. assembly.GetExportedTypes().Where(t => !t.IsAbstract && typeof(IBackend).IsAssignableFrom(t))];
        }
        catch (FileNotFoundException e)
        {
            throw Refusal(
                path, $"it needs {e.FileName?.Split(',')[0]}, which is not beside it; publish the plug-in with all that it needs");
        }
        catch (TypeLoadException e)
        {
            throw Refusal(path, $"it was built against another version of the contract than this one, {s_contract.Version} ({OneLine(e)})");
        }
        catch (Exception e) when (e is BadImageFormatException or FileLoadException)
        {
            throw Refusal(path, $"it cannot be loaded ({OneLine(e)})");
        }
    }

    private static Type Pick(string path, Type[] backends, string? wanted)
    {
        Type[] usable = [.. backends.Where(t => t.GetConstructor(Type.EmptyTypes) is not null)];
        string names = string.Join(", ", usable.Select(t => t.Name));
        if (usable.Length == 0)
        {
            throw Refusal(path, backends.Length == 0
                ? $"there is no backend in it: no public class implements {nameof(IBackend)}"
                : $"its backend {backends[0].Name} has no public constructor without parameters");
        }

        if (wanted is not null)
        {
            return usable.FirstOrDefault(t => t.Name == wanted || t.FullName == wanted)
                ?? throw Refusal(path, $"there is no backend {wanted} in it, only {names}");
        }

        return usable is [Type one]
            ? one
            : throw Refusal(path, $"there are several backends in it: {names}; write {path}#{usable[0].Name}");
    }

    private static IBackend Create(string path, Type type)
    {
        try
        {
            IBackend backend = (IBackend)Activator.CreateInstance(type)!;
            return backend.Name is { Length: > 0 } name && name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c))
                ? backend
                : throw Refusal(path, $"its backend {type.Name} is called '{backend.Name}'; a name is lower-case letters and digits");
        }
        catch (Exception e) when (e is not UserErrorException)
        {
            Exception cause = e is TargetInvocationException { InnerException: { } inner } ? inner : e;
            throw Refusal(path, $"its backend {type.Name} cannot be made ({cause.GetType().Name}: {OneLine(cause)})");
        }
    }

    private static UserErrorException Refusal(string path, string reason) => new($"--plugin {path}: {reason}");

    private static string OneLine(Exception e) => e.Message.ReplaceLineEndings(" ").TrimEnd('.', ' ');
}
