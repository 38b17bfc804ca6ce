/* What is read from and written to block devices, and files. */

inline int B_BUSY = 0x00000001;
inline int B_DONE = 0x00000002;
inline int B_ERROR = 0x00000004;
inline int B_PAGEIO = 0x00000010;
inline int B_PHYS = 0x00000020;
inline int B_READ = 0x00000040;
inline int B_WRITE = 0x00000100;
inline int B_ASYNC = 0x00000400;

typedef struct bufinfo {
	int b_flags;
	size_t b_bcount;
	uintptr_t b_addr;
	uint64_t b_lblkno;
	uint64_t b_blkno;
	size_t b_resid;
	size_t b_bufsize;
	uintptr_t b_iodone;
	int b_error;
	dev_t b_edev;
} bufinfo_t;

/* Operations with an odd number transfer to the device. */
inline int __bio_flags[struct bio *B] = ((B->bi_opf & 1) != 0 ? B_WRITE : B_READ) | ((B->bi_opf & 0x800) != 0 ? 0 : B_ASYNC) |
    (B->bi_status != 0 ? B_ERROR : 0);

translator bufinfo_t < struct bio *B > {
	b_flags = __bio_flags[B];
	/* When an operation is done, what is left to transfer is in it, and what there was was remembered. */
	b_bcount = B->bi_iter.bi_size != 0 ? (size_t)B->bi_iter.bi_size : (size_t)__io_bytes[(uint64_t)B];
	b_bcount = B->bi_iter.bi_size;
	b_addr = B->bi_io_vec != 0 ? (uintptr_t)B->bi_io_vec->bv_page : 0;
	b_lblkno = B->bi_iter.bi_size != 0 ? B->bi_iter.bi_sector : __io_sector[(uint64_t)B];
	b_lblkno = B->bi_iter.bi_sector;
	b_blkno = B->bi_iter.bi_size != 0 ? B->bi_iter.bi_sector : __io_sector[(uint64_t)B];
	b_blkno = B->bi_iter.bi_sector;
	b_resid = 0;
	b_bufsize = B->bi_iter.bi_size != 0 ? (size_t)B->bi_iter.bi_size : (size_t)__io_bytes[(uint64_t)B];
	b_bufsize = B->bi_iter.bi_size;
	b_iodone = (uintptr_t)B->bi_end_io;
	b_error = B->bi_status;
	b_edev = B->bi_bdev->bd_dev;
	b_edev = (B->bi_disk->major << 20) | (B->bi_disk->first_minor + B->bi_partno);
};

typedef struct devinfo {
	int dev_major;
	int dev_minor;
	int dev_instance;
	string dev_name;
	string dev_statname;
	string dev_pathname;
} devinfo_t;

translator devinfo_t < struct bio *B > {
	dev_major = B->bi_bdev->bd_dev >> 20;
	dev_major = B->bi_disk->major;
	dev_minor = B->bi_bdev->bd_dev & 0xfffff;
	dev_minor = B->bi_disk->first_minor + B->bi_partno;
	dev_instance = B->bi_bdev->bd_dev & 0xfffff;
	dev_instance = B->bi_disk->first_minor + B->bi_partno;
	dev_name = stringof(B->bi_bdev->bd_disk->disk_name);
	dev_name = stringof(B->bi_disk->disk_name);
	dev_statname = stringof(B->bi_bdev->bd_device.kobj.name);
	dev_statname = stringof(B->bi_disk->disk_name);
	dev_pathname = strjoin("/dev/", stringof(B->bi_bdev->bd_device.kobj.name));
	dev_pathname = strjoin("/dev/", stringof(B->bi_disk->disk_name));
};

typedef struct fileinfo {
	string fi_name;
	string fi_dirname;
	string fi_pathname;
	offset_t fi_offset;
	string fi_fs;
	string fi_mount;
	int fi_oflags;
} fileinfo_t;

typedef long long offset_t;

inline int O_ACCMODE = 3;
inline int O_RDONLY = 0;
inline int O_WRONLY = 1;
inline int O_RDWR = 2;
inline int O_CREAT = 0100;
inline int O_EXCL = 0200;
inline int O_NOCTTY = 0400;
inline int O_TRUNC = 01000;
inline int O_APPEND = 02000;
inline int O_NONBLOCK = 04000;
inline int O_NDELAY = 04000;
inline int O_DSYNC = 010000;
inline int O_ASYNC = 020000;
inline int O_DIRECT = 040000;
inline int O_LARGEFILE = 0100000;
inline int O_DIRECTORY = 0200000;
inline int O_NOFOLLOW = 0400000;
inline int O_NOATIME = 01000000;
inline int O_CLOEXEC = 02000000;
inline int O_SYNC = 04010000;
inline int O_RSYNC = 04010000;
inline int O_FSYNC = 04010000;

/* The first page of an operation, where that is one of a file: the lowest bits of its mapping are set for others. */
inline struct page *__bio_page[struct bio *B] = B->bi_io_vec->bv_page;
typedef struct __pageinfo {
	uint64_t of_head;
} __pageinfo_t;

translator __pageinfo_t < struct page *P > {
	of_head = P->compound_head;
	of_head = P->compound_info;
};

/* With the lowest bit set it is about the head: its address, or a mask that makes that of the page's own. No page has such an address. */
inline uint64_t __head_info[struct page *P] = (xlate <__pageinfo_t *> (P))->of_head;
inline struct page *__head_page[struct page *P] = (struct page *)((__head_info[P] & 1) == 0 ? (uint64_t)P :
    __head_info[P] < 0xffffffff00000000 ? __head_info[P] - 1 : (uint64_t)P & __head_info[P]);
inline uint64_t __bio_mapping[struct bio *B] = B->bi_io_vec != 0 && (B->bi_opf & 0xfe) == 0 ?
    (uint64_t)__head_page[__bio_page[B]]->mapping : 3;

/*
 * What an inline is given stands wherever the inline names it: the names in a path would be made from hundreds of copies of all this. So it is
 * kept in variables of the clause.
 */
inline struct inode *__bio_host[struct bio *B] = (struct inode *)(this->__mapping = __bio_mapping[B],
    (this->__mapping & 3) == 0 && this->__mapping != 0 ? (uint64_t)((struct address_space *)this->__mapping)->host : 0);

/*
 * With O_DIRECT it is memory of the process, which may be that of a file on no device: shared memory (tmpfs, hugetlbfs). That is not what is
 * read or written.
 */
inline struct inode *__bio_inode[struct bio *B] = (struct inode *)(this->__host = __bio_host[B],
    this->__host != 0 && this->__host->i_sb->s_magic != 0x01021994 && this->__host->i_sb->s_magic != 0x958458f6 ?
    (uint64_t)this->__host : 0);

/* One of the names of a file; a block device and the like have none. */
inline uint64_t __alias[struct inode *I] = I != 0 && (I->i_mode & 0xf000) != 0x6000 ? (uint64_t)I->i_dentry.first : 0;
inline uint64_t __bio_alias[struct bio *B] =
    (this->__inode = __bio_inode[B], this->__alias = __alias[this->__inode], this->__alias);
typedef struct __aliasinfo {
	uint64_t of_dentry;
} __aliasinfo_t;

translator __aliasinfo_t < struct hlist_node *A > {
	of_dentry = (uint64_t)A - offsetof(struct dentry, d_u);
	of_dentry = (uint64_t)A - offsetof(struct dentry, d_alias);
};

inline struct dentry *__dentry_at[uint64_t alias] =
    (struct dentry *)(xlate <__aliasinfo_t *> ((struct hlist_node *)alias))->of_dentry;
inline string __dname[struct dentry *D] = stringof(D->d_name.name);

translator fileinfo_t < struct bio *B > {
	fi_name = __bio_alias[B] != 0 ? __dname[__dentry_at[this->__alias]] : "<none>";
	fi_dirname = __bio_alias[B] != 0 ? dirname(__dentry_path(__dentry_at[this->__alias])) : "<none>";
	fi_pathname = __bio_alias[B] != 0 ? __dentry_path(__dentry_at[this->__alias]) : "<none>";
	fi_offset = __bio_inode[B] != 0 ? (__bio_page[B]->index << 12) + B->bi_io_vec->bv_offset : 0;
	fi_offset = __bio_inode[B] != 0 ? (__bio_page[B]->__folio_index << 12) + B->bi_io_vec->bv_offset : 0;
	fi_fs = __bio_inode[B] != 0 ? stringof(this->__host->i_sb->s_type->name) : "<none>";
	fi_mount = "<unknown>";
	fi_oflags = 0;
};

/* Pipes, sockets and the like are in no directory: their entry is its own parent, and not called a slash. */
inline int __is_nowhere[struct dentry *D] = D->d_parent == D && D->d_name.name[0] != '/';

translator fileinfo_t < struct file *F > {
	fi_name = F == 0 ? "<none>" : F->f_path.dentry->d_name.name[0] == 0 ? "<unknown>" : __dname[F->f_path.dentry];
	fi_dirname = F == 0 ? "<none>" : __is_nowhere[F->f_path.dentry] ? "<unknown>" : dirname(d_path(&F->f_path));
	fi_pathname = F == 0 ? "<none>" : __is_nowhere[F->f_path.dentry] ? "<unknown>" : d_path(&F->f_path);
	fi_offset = F != 0 ? F->f_pos : 0;
	fi_fs = F != 0 ? stringof(F->f_inode->i_sb->s_type->name) : "<none>";
	fi_mount = "<unknown>";
	fi_oflags = F != 0 ? F->f_flags : 0;
};

/* Open files of the running process. */
inline fileinfo_t fds[int fd] = xlate <fileinfo_t> (
    (struct file *)(fd >= 0 && fd < curthread->files->fdt->max_fds ? (uint64_t)curthread->files->fdt->fd[fd] : 0));
